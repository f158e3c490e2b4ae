"""The smallest set of roles, and the roles that contracts say operations ask for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from roles_suites import POOL, by_brute_force, import_stores, random_demands

from pytest_adyen_creds.contract import Contract, Operation
from pytest_adyen_creds.contract.apis import Apis
from pytest_adyen_creds.contract.contract import load_contract
from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.contract.roles import Demand
from pytest_adyen_creds.credentials.roles import KNOWN
from pytest_adyen_creds.formats import read_json
from pytest_adyen_creds.roles.need import smallest
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.roles import CATALOGUE
from pytest_adyen_creds.text import normalised

OPERATIONS = load_contract("v3").operations


@pytest.mark.parametrize("seed", range(200))
def test_it_is_the_one_that_brute_force_finds(seed: int) -> None:
    draw = random.Random(seed)
    demands = random_demands(draw)
    found = smallest(demands, POOL)
    assert found == tuple(sorted(by_brute_force(demands, POOL)))
    for role in found:  # and with one less something is not met
        assert not all(each.is_met(set(found) - {role}) for each in demands)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_demands_roles_and_spellings_makes_no_difference(seed: int) -> None:
    draw = random.Random(seed)
    demands = random_demands(draw)
    expected = list(map(normalised, smallest(demands, POOL)))
    shuffled = [Demand(each.every, tuple(tuple(reversed(o)) for o in each.choices), each.starts) for each in demands]
    draw.shuffle(shuffled)
    assert list(map(normalised, smallest(shuffled, reversed(POOL)))) == expected
    upper = [
        Demand(
            tuple(role.replace(" - ", "\N{EM DASH}").upper() for role in each.every),
            tuple(tuple(role.replace(" ", "") for role in one) for one in each.choices),
            tuple(start.lower() for start in each.starts),
        )
        for each in demands
    ]
    assert sorted(map(normalised, smallest(upper, POOL))) == sorted(expected)


@pytest.mark.parametrize(
    ("demands", "known", "expected"),
    [
        ([], (), ()),
        ([Demand()], ("A",), ()),
        ([Demand(every=("B", "A"))], (), ("A", "B")),
        ([Demand(choices=(("S read and write", "S read"),))], (), ("S read",)),
        ([Demand(choices=(("S", "S write"),)), Demand(every=("S write",))], (), ("S write",)),
        ([Demand(choices=(("A", "B"),)), Demand(choices=(("B", "C"),)), Demand(choices=(("C", "D"),))], (), ("A", "C")),
        ([Demand(choices=(("B", "A"),))], (), ("A",)),
        ([Demand(starts=("S",))], ("T", "S 2", "S 1"), ("S 1",)),
        ([Demand(starts=("S",)), Demand(every=("S 2",))], ("S 1",), ("S 2",)),
        ([Demand(starts=("S",)), Demand(choices=(("A", "S 3"),))], ("S 1",), ("S 3",)),
        ([Demand((), (("A", "S write"),), ("S",)), Demand(choices=(("A", "B"),))], ("S 1",), ("A", "S 1")),
        ([Demand(starts=("Nobody has",))], ("S 1",), ("Nobody has",)),
    ],
)  # fmt: skip
def test_ties_go_to_what_writes_less_and_then_to_the_first_by_name(
    demands: list[Demand], known: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert smallest(demands, known) == expected


def test_a_kind_without_a_role_takes_one_of_the_others() -> None:
    assert smallest([Demand(starts=("Management API",))], ("Checkout webservice role",), KNOWN) == (KNOWN[0],)


def test_forty_choices_are_solved_at_once() -> None:
    """Sets that have nothing in common are solved each for itself: together they would be 2 to the 40th."""
    demands = [Demand(choices=((f"{number:02} a", f"{number:02} b"),)) for number in range(40)]
    assert smallest(demands) == tuple(f"{number:02} a" for number in range(40))
    chained = [Demand(choices=((f"{number:02}", f"{number + 1:02}"),)) for number in range(40)]
    assert len(smallest(chained)) == 20


@pytest.mark.parametrize(
    ("demand", "held", "missing"),
    [
        (Demand(), (), ""),
        (Demand(every=("A", "B")), (), "A; B"),
        (Demand(every=("A", "B")), ("b",), "A"),
        (Demand(choices=(("A", "B"),)), ("C",), "one of A, B"),
        (Demand(choices=(("A", "B"),)), ("B",), ""),
        (Demand(starts=("Management API",)), ("Checkout",), "any role that begins with 'Management API'"),
        (Demand(starts=("Management API",)), ("management api\N{EM DASH}Stores read",), ""),
        (Demand(("A",), (("B", "C"),), ("D",)), (), "A; one of B, C; any role that begins with 'D'"),
    ],
)
def test_what_is_missing_is_said_in_words(demand: Demand, held: tuple[str, ...], missing: str) -> None:
    assert demand.missing(held) == missing
    assert demand.is_met(held) == (not missing)


@pytest.mark.parametrize(
    "spelling",
    [
        "Management API - Stores read",
        "Management API\N{EM DASH}Stores read",
        "Management API \N{EN DASH} Stores Read",
        "management api-stores read",
        "MANAGEMENT API  -  STORES READ",
    ],
)
def test_spellings_of_a_role_are_the_same(spelling: str) -> None:
    plain = "Management API - Stores read"
    assert Demand(every=(plain,)).is_met([spelling])
    assert Demand(every=(spelling,)).missing([plain]) == ""
    assert len(smallest([Demand(every=(plain,)), Demand(every=(spelling,)), Demand(choices=((spelling, "A"),))])) == 1


def test_a_demand_is_what_a_contract_says() -> None:
    assert Demand.of({}) == Demand()
    assert Demand.of({"all": ["A"]}) == Demand(every=("A",))
    assert Demand.of({"one": ["A", "B"]}) == Demand(choices=(("A", "B"),))
    assert Demand.of({"any": "A"}) == Demand(starts=("A",))


@pytest.fixture(scope="module")
def answer() -> Iterator[Any]:
    """Ask a sandbox for an operation by a credential with some roles, and return the status."""
    import httpx

    sandbox = Sandbox()
    with httpx.Client(transport=sandbox.transport(), base_url="https://management-test.adyen.com/v3") as client:
        own = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
        (merchant, *_) = sandbox.merchants

        def ask(operation: Operation, roles: tuple[str, ...]) -> int:
            path = f"/companies/{sandbox.company}/apiCredentials"
            made = client.post(path, headers=own, json={"roles": list(roles)}).json()
            names = {
                "companyId": sandbox.company,
                "merchantId": merchant,
                "apiCredentialId": made["id"],
                "originId": "X",
            }
            body: dict[str, Any] | None = {} if operation.method.upper() in ("POST", "PATCH") else None
            url = operation.path.format_map(names)
            return client.request(operation.method, url, headers={"X-API-Key": made["apiKey"]}, json=body).status_code

        yield ask


def sufficing(demand: Demand) -> tuple[str, ...]:
    return smallest([demand], CATALOGUE)


@pytest.mark.parametrize("label", OPERATIONS)
def test_the_bundled_contract_s_roles_are_those_that_the_sandbox_asks_for(label: str, answer: Any) -> None:
    operation = OPERATIONS[label]
    demand = Demand.of(operation.roles)
    assert demand != Demand()
    exactly = sufficing(demand)
    assert len(exactly) == 1
    assert answer(operation, exactly) != 403
    others = tuple(role for role in CATALOGUE if demand.missing([role]))
    assert answer(operation, others) == 403


def test_each_operation_has_roles_in_each_version() -> None:
    for version in ("v1", "v3"):
        operations = load_contract(version).operations
        assert operations
        assert [label for label, each in operations.items() if not each.roles] == [], "say them in x-adyen-roles"
        assert {label: each.roles for label, each in operations.items()} == {
            label: each.roles for label, each in OPERATIONS.items()
        }


def test_roles_are_read_from_the_prose_of_a_document(tmp_path: Path) -> None:
    import_stores(tmp_path)
    (contract,) = Apis(tmp_path).all_own
    read, write = "Management API - Stores read", "Management API - Stores read and write"
    assert {label: dict(each.roles) for label, each in contract.operations.items()} == {
        "GET /stores": {"one": [read, write]},
        "POST /stores": {"all": [write]},
        "GET /users": {"one": [read, "Management API - Users read"]},
        "GET /open": {},
    }


@pytest.fixture(scope="module")
def management(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """The contract of the whole Management API, imported."""
    folder = tmp_path_factory.mktemp("management")
    document = read_json(published / "apis" / "ManagementService-v3.json", largest=1 << 26)
    write_contract(import_openapi(document, "ManagementService-v3.json"), folder)
    (contract,) = Apis(folder).all_own
    return contract


def test_126_operations_of_the_published_document_are_understood_and_the_rest_said(
    published: Path, management: Contract
) -> None:
    document = read_json(published / "apis" / "ManagementService-v3.json", largest=1 << 26)
    naming = {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict) and "role" in operation.get("description", "").lower()
    }
    understood = {label for label in naming if management.operations[label].roles}
    assert len(understood) >= 126
    notes = import_openapi(document, "ManagementService-v3.json").notes
    said = [note for note in notes if note.startswith("the roles of ")]
    assert bool(said) == (naming != understood)


def test_all_operations_of_the_published_document_together_need_a_set_that_is_found(management: Contract) -> None:
    demands = [Demand.of(each.roles) for each in management.operations.values()]
    found = smallest(demands)
    assert all(each.is_met(found) for each in demands)
    for role in found:
        assert not all(each.is_met(set(found) - {role}) for each in demands)


def test_the_bundled_contract_asks_for_what_the_published_document_does(management: Contract) -> None:
    def spelled(operation: Operation) -> dict[str, Any]:
        return {
            kind: normalised(roles) if isinstance(roles, str) else sorted(map(normalised, roles))
            for kind, roles in operation.roles.items()
        }

    other = {label for label, each in OPERATIONS.items() if spelled(each) != spelled(management.operations[label])}
    assert other == set()
