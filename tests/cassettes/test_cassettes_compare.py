"""Captured answers held against the sandbox's own: what differs is said, without a value of anybody's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.compare import Comparison
from pytest_adyen_creds.cassettes.model import Cassette, Interaction, Provenance
from pytest_adyen_creds.cassettes.recording import interaction_of
from pytest_adyen_creds.cassettes.sandbox_rerun import Attempt, Captured, sandbox_answers
from pytest_adyen_creds.checks.results import Results
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract.baseline import read_baseline
from pytest_adyen_creds.reports.terminal import backend_lines
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.settings import Settings
from pytest_adyen_creds.state import Run

BASE = "https://management-test.adyen.com/v3"
COMPANY = "/companies/TestCompany/apiCredentials"
MERCHANT = "/merchants/TestMerchant/apiCredentials"
DATE = ("date", "Thu, 14 Aug 2025 09:28:38 GMT")
KEY = "AQEcanaryOfTheComparison0123456789+/"


def exchanges(sandbox: Sandbox) -> Iterator[Interaction]:
    """Yield one exchange of each kind, as a recorder that keeps everything has it."""
    client = httpx.Client(transport=sandbox.transport(), base_url=BASE)
    admin = {"X-API-Key": sandbox.provisioning.api_key.reveal()}

    def ask(method: str, path: str, body: Any = None, key: str | None = None, **more: Any) -> Interaction:
        headers = admin if key is None else {"X-API-Key": key}
        request = client.build_request(method, path, json=body, headers=headers, **more)
        found = interaction_of(request, client.send(request))
        return replace(found, response_headers=(*found.response_headers, DATE))

    origin = {"domain": "https://shop.example.com"}
    for account in (COMPANY, MERCHANT):
        body = {"roles": ["Management API - Stores read"], "description": "shop", "allowedOrigins": [origin["domain"]]}
        made = ask("POST", account, body)
        yield made
        shown = json.loads(made.response_body)
        one, key = f"{account}/{shown['id']}", shown["apiKey"]
        yield ask("GET", one)
        yield ask("PATCH", one, {"description": "another", "subjectDN": "CN=x"})
        yield ask("GET", account, params={"pageSize": 1})
        yield ask("GET", f"{one}/allowedOrigins")
        yield ask("GET", f"{one}/allowedOrigins/{shown['allowedOrigins'][0]['id']}")
        yield ask("POST", f"{one}/generateApiKey")
        yield ask("POST", f"{one}/generateClientKey")
        yield ask("POST", f"{one}/allowedOrigins", origin)  # is there already: 422
        yield ask("POST", f"{one}/allowedOrigins", {"domain": "shop"})
        yield ask("GET", f"{one}/allowedOrigins/S2-1")
        yield ask("GET", f"{account}/CRED42ABC")
        yield ask("POST", account, {"roles": []})
        yield ask("GET", account, params={"pageSize": 0})
        yield ask("GET", account, key="nobody's")
        yield ask("GET", one, key=key)  # lacks the role: 403
        yield ask("DELETE", f"{one}/allowedOrigins/{shown['allowedOrigins'][0]['id']}")
    yield ask("GET", "/companies/SomebodyElse/apiCredentials")
    yield ask("GET", "/me", key=key)
    yield ask("GET", "/me/allowedOrigins", key=key)
    user = sandbox.customer_area.create_company_user(roles=["Management API - Stores read"])
    yield ask("GET", "/me", key=user.api_key.reveal())
    yield ask("GET", f"{COMPANY}/{user.id}")
    sandbox.faults.status(500)
    yield ask("GET", "/me")
    sandbox.faults.status(400)
    yield ask("GET", "/me")


def compared(interactions: list[Interaction], answers: Any = "platform") -> Comparison:
    comparison = Comparison(answers)
    for interaction in interactions:
        comparison.add(interaction, load_contract("v3"))
    return comparison


@pytest.mark.parametrize("answers", ["platform", "published"])
def test_the_sandbox_answers_as_itself(answers: Any) -> None:
    interactions = list(exchanges(Sandbox(answers=answers)))
    comparison = compared(interactions, answers)
    assert list(comparison.lines()) == []
    assert (comparison.compared, comparison.differing) == (len(interactions), 0)
    assert {each.status for each in interactions} == {200, 204, 400, 401, 403, 422, 500}


def changed(interaction: Interaction, **members: Any) -> Interaction:
    body = json.loads(interaction.response_body) | members
    return replace(interaction, response_body=json.dumps({k: v for k, v in body.items() if v is not ...}).encode())


@pytest.fixture(scope="module")
def me() -> Interaction:
    return next(each for each in exchanges(Sandbox()) if each.uri.endswith("/me") and each.status == 200)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"loyaltyTier": "gold"}, "/loyaltyTier: captured has it, the sandbox does not"),
        ({"companyName": ...}, "/companyName: captured does not have it, the sandbox does"),
        ({"active": "yes"}, "/active: captured a string, the sandbox a boolean"),
        ({"id": "cred-7"}, "/id: captured another form, the sandbox CRED and 26 capitals and digits"),
        ({"roles": ["Role of tomorrow"]}, "/roles: captured an unknown role, the sandbox knows no such role"),
        (
            {"roles": ["Management API - Tax forms read"]},
            '/roles: captured "Management API - Tax forms read", the sandbox knows no such role',
        ),
        ({"Jane Doe": 1}, "/another property: captured has it, the sandbox does not"),
    ],
)
def test_what_differs_is_said(me: Interaction, members: dict[str, Any], says: str) -> None:
    comparison = compared([changed(me, **members), me])
    [line] = comparison.lines()
    assert line == f"{says}  [GET /me; 200; 1 answer]"
    assert (comparison.compared, comparison.differing) == (2, 1)


@pytest.mark.parametrize("old", ["S2-7376433D256E35", "S2-6262224667", "123456", "S2-0000000001"])
def test_ids_of_older_credentials_and_pseudonyms_differ_in_nothing(me: Interaction, old: str) -> None:
    assert compared([changed(me, id=old)]).differing == 0


def test_an_error_of_another_identity_differs() -> None:
    refused = next(each for each in exchanges(Sandbox()) if each.status == 422)
    lines = list(compared([changed(refused, errorCode="31_099", title="Something new")]).lines())
    assert [line.partition(":")[0] for line in lines] == ["/errorCode", "/title"]
    assert '"31_099", the sandbox "31_004"' in lines[0]


def test_a_status_that_the_sandbox_never_answers_differs(me: Interaction) -> None:
    [line] = compared([replace(me, status=206)]).lines()
    assert line == "status: captured 206, the sandbox never answers so  [GET /me; 206; 1 answer]"


def written(folder: Path, interactions: list[Interaction], provenance: Provenance | None = None) -> Path:
    path = folder / "cassettes" / "test_x" / "one.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(serializer.dumps(Cassette(tuple(interactions), provenance)))
    return path


def har(interaction: Interaction) -> dict[str, Any]:
    def headers(pairs: Any) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in pairs]

    return {
        "request": {
            "method": interaction.method,
            "url": interaction.uri,
            "headers": headers(interaction.request_headers),
            "postData": {"text": interaction.request_body.decode()} if interaction.request_body else None,
        },
        "response": {
            "status": interaction.status,
            "statusText": "x",
            "headers": headers(interaction.response_headers),
            "content": {"text": interaction.response_body.decode()},
        },
    }


@pytest.mark.parametrize("form", ["cassette", "HAR"])
def test_the_command_prints_entries_to_paste(
    form: str, me: Interaction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    captured = [changed(me, loyaltyTier="gold"), me]
    path = tmp_path / "session.har"
    if form == "cassette":
        path = written(tmp_path, captured)
    else:
        path.write_text(json.dumps({"log": {"entries": [har(each) for each in captured]}}))
    assert main(["sandbox", "compare", str(path)]) == 1
    out = capsys.readouterr().out
    assert "/loyaltyTier: captured has it, the sandbox does not  [GET /me; 200; 1 answer]" in out
    assert "2 answers compared, 1 that the sandbox would have given otherwise" in out
    start = out.index("[[accepted]]")
    entries = tmp_path / "known-deviations.toml"
    entries.write_text(out[start : out.index("# entries for")])
    [entry] = read_baseline(entries, evidence=True).entries
    assert (entry.id, entry.location) == ("response-undocumented-property", "/loyaltyTier")
    assert entry.evidence[0].date == "2025-08-14"
    assert entry.evidence[0].version == "v3"
    assert main(["sandbox", "compare", str(path), "--format", "json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert (value["compared"], value["differing"]) == (2, 1)
    assert [each["location"] for each in value["deviations"]] == ["/loyaltyTier"]


def test_a_clean_capture_is_status_0(me: Interaction, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", "compare", str(written(tmp_path, [me]).parent)]) == 0
    assert "1 answer compared, 0 that the sandbox would have given otherwise" in capsys.readouterr().out


def test_what_the_sandbox_recorded_says_nothing(
    me: Interaction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provenance = Provenance("sandbox", "2026-01-01T00:00:00Z", "v3", "sha256:x", "test")
    written(tmp_path, [changed(me, loyaltyTier="gold")], provenance)
    assert main(["sandbox", "compare", str(tmp_path)]) == 0
    assert "0 answers compared, 0 that the sandbox would have given otherwise; 1 recorded from the sandbox" in (
        capsys.readouterr().out
    )


def test_no_secret_of_a_capture_is_printed(me: Interaction, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = next(each for each in exchanges(Sandbox()) if each.status == 422)
    error = changed(refused, title=f"no good: {KEY}", errorCode=KEY, apiKey=KEY)
    path = written(tmp_path, [error, changed(me, id=KEY, apiKey=KEY, **{KEY: 1}), me])
    for more in ([], ["--format", "json"]):
        assert main(["sandbox", "compare", str(path), *more]) == 1
        shown = capsys.readouterr()
        assert KEY not in shown.out + shown.err
        assert "canaryOfTheComparison" not in shown.out + shown.err


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.har", '{"log": 1}', "is not a HAR file"),
        (
            "x.har",
            '{"log": {"entries": [{"response": {"status": 200}}]}}',
            "entry 1 has no whole request",
        ),
        ("x.har", "{", "is not JSON"),
        ("missing.har", None, "does not exist"),
        ("empty", None, "does not exist"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_line(
    name: str, content: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    assert main(["sandbox", "compare", str(path)]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert len(error.splitlines()) == 1


def test_the_recorded_exchanges(published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = json.loads((published / "observed" / "recorded-2025-08.json").read_text())["exchanges"]
    interactions = [
        Interaction(
            each["method"],
            f"https://management-test.adyen.com{each['path']}",
            (("content-type", "application/json"),),
            (each["request_body"] or "").encode(),
            each["status"],
            "x",
            tuple((name, value) for name, values in each["response_headers"].items() for value in values),
            json.dumps(each["response_body"]).encode(),
        )
        for each in recorded
    ]
    path = written(tmp_path, interactions)
    assert main(["sandbox", "compare", str(path)]) == 0
    assert capsys.readouterr().out.startswith("8 answers compared, 0 that")
    assert main(["sandbox", "compare", str(path), "--answers", "published"]) == 1
    lines = capsys.readouterr().out.splitlines()[:-1]
    assert {line.partition(":")[0] for line in lines} == {
        *("/id", "/allowedOrigins/*/id", "/data/*/id", "/requestId", "/detail", "/title", "/errorCode"),
        *("/associatedMerchantAccounts", "header content-type", "header set-cookie", "header traceparent"),
        *("header requestid", "header pspreference", "header strict-transport-security"),
    }


ODD = {
    "null among origins": ("GET", f"{COMPANY}/CRED1/allowedOrigins", "", '{"data": [null]}'),
    "text among origins": ("GET", "/me/allowedOrigins", "", '{"data": ["x"]}'),
    "list for origins": ("GET", "/me/allowedOrigins", "", '["x"]'),
    "list sent": ("POST", COMPANY, "[1]", '{"id": "x"}'),
    "text sent": ("POST", "/me/allowedOrigins", '"x"', '{"id": "x"}'),
    "nested": ("GET", "/me", "", "[" * 3000 + "]" * 3000),
    "nested objects": ("GET", "/me", "", '{"a":' * 3000 + "1" + "}" * 3000),
    "nested sent": ("POST", COMPANY, "[" * 3000 + "]" * 3000, '{"id": "x"}'),
    "no numbers": ("GET", "/me", "", '{"a": NaN}'),
    "numbers for texts": ("GET", "/me", "", '{"username": 1, "roles": 2, "allowedOrigins": 3, "companyName": 4}'),
    "items of all types": ("GET", COMPANY, "", '{"data": [null, 1, "x", [], {"username": []}], "itemsTotal": "x"}'),
}


def odd(method: str, path: str, sent: str, answered: str) -> Interaction:
    return Interaction(
        method,
        f"{BASE}{path}",
        (("content-type", "application/json"),),
        sent.encode(),
        200,
        "OK",
        (("content-type", "application/json"),),
        answered.encode(),
    )


@pytest.mark.parametrize("name", ODD)
def test_an_odd_capture_keeps_no_other_from_being_compared(
    name: str, me: Interaction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "session.har"
    captured = [odd(*ODD[name]), changed(me, loyaltyTier="gold")]
    path.write_text(json.dumps({"log": {"entries": [har(each) for each in captured]}}))
    assert main(["sandbox", "compare", str(path)]) == 1
    shown = capsys.readouterr()
    assert "/loyaltyTier: captured has it, the sandbox does not  [GET /me; 200; 1 answer]" in shown.out
    assert "2 answers compared, 2 that the sandbox would have given otherwise\n" in shown.out
    assert shown.err == ""


def test_a_body_that_is_nested_too_deeply_is_no_json_that_can_be_read() -> None:
    [line] = [line for line in compared([odd(*ODD["nested"])]).lines() if line.startswith("the body")]
    assert line.startswith("the body: captured not readable JSON, the sandbox an object  [GET /me; 200; 1 answer]")


def test_what_cannot_be_compared_is_said_and_counted(
    me: Interaction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = replace(me, response_headers=(*me.response_headers, ("content-encoding", "gzip")), response_body=b"\x1f\x8b")
    path = written(tmp_path, [cut, cut, me])
    assert main(["sandbox", "compare", str(path)]) == 1
    out = capsys.readouterr().out
    assert "could not be compared  [GET /me; 200; 2 answers]\n" in out
    assert "1 answer compared, 0 that the sandbox would have given otherwise; 2 could not be compared" in out
    assert main(["sandbox", "compare", str(path), "--format", "json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert value["uncompared"] == [{"operation": "GET /me", "status": 200, "count": 2}]


def test_an_address_that_is_none_is_passed_over(
    me: Interaction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "session.har"
    bad = replace(me, uri="https://[x/v3/me")
    path.write_text(json.dumps({"log": {"entries": [har(bad), har(me)]}}))
    assert main(["sandbox", "compare", str(path)]) == 0
    assert "1 answer compared, 0" in capsys.readouterr().out


def test_the_comparison_of_one_shape_that_fails_is_no_problem_of_the_others(
    me: Interaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(captured: Captured, *others: Any) -> Any:
        if captured.operation.method == "POST":
            raise RuntimeError("no sandbox")
        return sandbox_answers(captured, *others)

    monkeypatch.setattr("pytest_adyen_creds.cassettes.compare.sandbox_answers", failing)
    comparison = compared([odd(*ODD["list sent"]), me])
    assert list(comparison.lines()) == [
        "could not be compared  [POST /companies/{companyId}/apiCredentials; 200; 1 answer]"
    ]
    assert (comparison.compared, comparison.differing, comparison.uncompared.total()) == (1, 0, 1)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a folder with a contract of a user's own: v3 and v9, and known deviations."""
    folder = tmp_path / "own"
    for version in ("v3", "v9"):
        shutil.copytree(load_contract("v3").source.parent, folder / version)
    (folder / "known-deviations.toml").write_text(
        '[[accepted]]\nid = "response-undocumented-property"\nlocation = "/loyaltyTier"\nreason = "known"\n'
        '[[accepted.evidence]]\nsource = "x"\ndate = "2025"\nversion = "v3"\n'
    )
    return folder


def test_known_deviations_are_those_of_the_contract_that_was_given(
    own: Path, me: Interaction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    captured = changed(me, loyaltyTier="gold", shoeSize=42)
    path = written(tmp_path, [captured, replace(captured, uri=captured.uri.replace("v3", "v9"))])
    assert main(["sandbox", "compare", str(path), "--contracts", str(own), "--format", "json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert value["compared"] == 2
    found = {(each["location"], each["evidence"][0]["version"]) for each in value["deviations"]}
    assert {("/shoeSize", "v3"), ("/shoeSize", "v9")} <= found
    assert not [where for where, _ in found if where == "/loyaltyTier"]


CANARIES = {"an e-mail address": "jane.doe@acme.example", "a company": "AcmeSecretCorp", "a key": KEY}


@pytest.mark.parametrize("kind", CANARIES)
@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_of_an_account_is_printed(
    kind: str, form: str, me: Interaction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = CANARIES[kind]
    refused = next(each for each in exchanges(Sandbox()) if each.status == 422)
    wrong = {"name": canary, "value": canary, "message": canary}
    shown = json.loads(me.response_body)
    others = [each for each in me.response_headers if each[0] != "content-type"]
    captured = [
        changed(refused, title=f"User {canary} may not read it"),
        changed(refused, title=canary, type=f"https://{canary}/x"),
        changed(refused, errorCode=canary, detail=canary),
        changed(refused, invalidFields=[wrong]),
        changed(me, **{canary: 1}),
        changed(me, roles=[canary, f"Management API - {canary} read", f"{canary} role"]),
        changed(me, companyName=canary, description=canary, username=f"ws_1@Company.{canary}"),
        replace(me, response_body=json.dumps({canary: shown}).encode()),
        replace(me, response_headers=(*me.response_headers, (f"X-{canary}", canary), (canary, "1"))),
        *(
            replace(me, response_headers=(*others, ("Content-Type", media)))
            for media in (f"text/{canary}", f"application/json; boundary={canary}")
        ),
        replace(me, uri=f"{BASE}/companies/{canary}/apiCredentials?{canary}={canary}", status=418),
        me,
    ]
    path = tmp_path / f"{canary.replace('/', '')}.har"
    path.write_text(json.dumps({"log": {"entries": [har(each) for each in captured]}}))
    assert main(["sandbox", "compare", str(path), "--format", form]) == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    for telling in (canary, canary.replace("/", ""), "jane", "acme", "canaryOfTheComparison"):
        assert telling.casefold() not in printed.out.casefold()
    for said in (
        "another title",
        "another type",
        "another field",
        "another property",
        "an unknown role",
        "capture 1 of 1",
    ):
        assert said in printed.out
    assert "another media type" in printed.out


def test_a_departure_that_names_what_may_be_of_an_account_has_no_entry(
    me: Interaction, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, [changed(me, AcmeSecretCorp=1, loyaltyTier="gold")])
    assert main(["sandbox", "compare", str(path)]) == 1
    out = capsys.readouterr().out
    assert out.count("[[accepted]]") == 1
    assert "# without an entry, as they name what may be yours: 1 departure\n" in out
    assert 'source = "capture 1 of 1, exchange 1"' in out


@pytest.fixture(scope="module")
def pages() -> list[Interaction]:
    """Return lists of an account of forty credentials, paged as a generator does."""
    sandbox = Sandbox()
    admin = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    client = httpx.Client(transport=sandbox.transport(), base_url=BASE, headers=admin)
    for number in range(39):
        body = {"roles": ["Checkout webservice role"], "description": "x" * (number % 2)}
        assert client.post(COMPANY, json=body).status_code == 200
    sizes = ["0", "-7", "-8", "x1", "x2", "", "101", "102", *map(str, range(2, 39))]
    queries = [{"pageSize": size, "pageNumber": str(1 + n % 3), f"x{n}": "y"} for n, size in enumerate(sizes)]
    asked = [client.build_request("GET", COMPANY, params=query) for query in queries]
    return [interaction_of(request, client.send(request)) for request in asked]


def test_pages_asked_for_alike_are_compared_once(pages: list[Interaction], monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    create = Attempt._make

    def counting(attempt: Attempt, shown: Any) -> Any:
        made.append(shown)
        return create(attempt, shown)

    monkeypatch.setattr(Attempt, "_make", counting)
    comparison = compared(pages)
    assert list(comparison.lines()) == []
    assert comparison.compared == len(pages) == 45
    assert len(made) < 3 * 40  # not forty for each of 37 lists


def test_pages_that_link_others_than_the_sandbox_differ_whatever_was_compared_before(pages: list[Interaction]) -> None:
    first, second = (
        next(each for each in pages if f"pageNumber={number}" in each.uri and each.status == 200) for number in (1, 2)
    )
    body = json.loads(first.response_body)
    body["_links"]["prev"] = body["_links"]["self"]
    wrong = replace(first, response_body=json.dumps(body).encode())
    lines = list(compared([second, wrong]).lines())
    assert [line.partition("  [")[0] for line in lines] == ["/_links/prev: captured has it, the sandbox does not"]
    assert list(compared([second, first]).lines()) == []


def test_an_answer_that_cannot_be_compared_is_no_problem_of_a_live_run(
    me: Interaction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(captured: Captured, *others: Any) -> Any:
        if captured.operation.method == "POST":
            raise RuntimeError("no sandbox")
        return sandbox_answers(captured, *others)

    monkeypatch.setattr("pytest_adyen_creds.cassettes.compare.sandbox_answers", failing)
    results = Results(Settings(backend="sandbox", drift="fail"), tmp_path)
    run = Run(results)
    for each in (odd(*ODD["list sent"]), changed(me, loyaltyTier="gold"), me):
        run.comparison.add(each, results.contract)
    run.close()
    assert (results.collector.problems, results.fails) == ([], False)
    assert results.compared == {"answers": 2, "otherwise": 1, "uncompared": 1}
    assert "adyen: 1 answer could not be compared with the sandbox's" in list(backend_lines(results))
