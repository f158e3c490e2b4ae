"""A server that lies: live runs, sweeps and the contract suite against each lie, and what came of it.

    python tests/credentials/lying.py                 # every lie
    python tests/credentials/lying.py --only list     # those with this word in their name
    python tests/credentials/lying.py --suite         # the contract suite against a few of them, in minutes

An account of the embedded sandbox with 30 foreign credentials stands behind a transport that changes answers, or does
not do what it says. Nothing is sent anywhere and nothing waits: the clock is the sandbox's. The lies are made from the
tables below: one operation's answers, and one thing that is wrong with them.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from pytest_adyen_creds.client import tag
from pytest_adyen_creds.client.parsing import read_target
from pytest_adyen_creds.credentials import live_run
from pytest_adyen_creds.credentials.backend import Backend, SandboxClock
from pytest_adyen_creds.credentials.recovery import Recovery
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.errors import AdyenCredsError
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.settings import resolve

BASE = "https://management-test.adyen.com/v3"
MOST_REQUESTS = 1500
"""What one run may send, whatever it is answered."""

Change = Callable[["Liar", dict[str, Any]], Any]
"""Returns what is answered instead of a body: a JSON value, the bytes of one, or a response."""


def put(**values: Any) -> Change:
    return lambda liar, body: {**body, **{k: v(liar) if callable(v) else v for k, v in values.items()}}


def without(name: str) -> Change:
    return lambda liar, body: {key: value for key, value in body.items() if key != name}


def twice(name: str, foreign: Callable[[Liar], Any], *, first: bool) -> Change:
    """The property twice: as it is, and somebody else's."""

    def change(liar: Liar, body: dict[str, Any]) -> bytes:
        other = f"{json.dumps(name)}: {json.dumps(foreign(liar))}"
        inner = json.dumps(body)[1:-1]
        return ("{" + (f"{other}, {inner}" if first else f"{inner}, {other}") + "}").encode()

    return change


def foreign(name: str) -> Callable[[Liar], Any]:
    return lambda liar: liar.victim[name]


BODIES: dict[str, Change] = {
    "a foreign id": put(id=foreign("id")),
    "a foreign id and user": put(id=foreign("id"), username=foreign("username")),
    "a foreign credential": lambda liar, body: dict(liar.victim),
    "a foreign credential with our tag": lambda liar, body: {**liar.victim, "description": liar.tagged},
    "a foreign credential with our tag and key": lambda liar, body: {**body, **liar.victim, "description": liar.tagged},
    "a foreign id second": twice("id", foreign("id"), first=False),
    "a foreign id first": twice("id", foreign("id"), first=True),
    "our tag twice": twice("description", lambda liar: liar.tagged, first=False),
    "a key twice deep down": lambda liar, body: (
        json.dumps({**body, "_links": 0})[:-1].replace('"_links": 0', '"_links": {"self": {"a": 1, "a": 2}}') + "}"
    ).encode(),
    "no id": without("id"),
    "a number as id": put(id=7),
    "null as id": put(id=None),
    "a list as id": put(id=lambda liar: [liar.victim["id"]]),
    "a path as id": put(id=lambda liar: "../" + liar.victim["id"]),
    "another spelling of the id": lambda liar, body: {**body, "id": str(body.get("id", "")).swapcase()},
    "the provisioning id": put(id=lambda liar: liar.admin["id"]),
    "a foreign user": put(username=foreign("username")),
    "no user": without("username"),
    "a number as user": put(username=7),
    "the provisioning user": put(username=lambda liar: liar.admin["username"]),
    "no description": without("description"),
    "null as description": put(description=None),
    "a foreign description": put(description=foreign("description")),
    "another run's tag": put(description=lambda liar: tag.make("00000000", liar.now() + timedelta(hours=1))),
    "an expired tag": put(description=lambda liar: tag.make("00000000", liar.now() - timedelta(hours=1))),
    "another company": put(companyName="OtherCompany"),
    "another level": put(_links={"self": {"href": f"{BASE}/merchants/Other/apiCredentials/x"}}),
    "switched off": put(active=False),
    "switched on": put(active=True),
    "a word as active": put(active="false"),
    "a foreign key": put(apiKey=lambda liar: liar.key),
    "the provisioning key": put(apiKey=lambda liar: liar.sandbox.provisioning.api_key.reveal()),
    "a list": lambda liar, body: [body],
    "a text": lambda liar, body: "ok",
    "an empty object": lambda liar, body: {},
    "nothing": lambda liar, body: httpx.Response(204),
    "half of it": lambda liar, body: json.dumps(body).encode()[: len(json.dumps(body)) // 2],
    "a page of HTML": lambda liar, body: b"<html>",
    "brackets": lambda liar, body: b"[" * 100_000,
    "a huge number": lambda liar, body: b'{"id": ' + b"9" * 6000 + b"}",
    "a redirect": lambda liar, body: httpx.Response(302, headers={"location": f"{BASE}/me"}),
    "a 500": lambda liar, body: httpx.Response(500, json={}),
    "a 404": lambda liar, body: httpx.Response(404, json={}),
    "no answer": lambda liar, body: httpx.ReadTimeout("lost"),
}


def each(change: Change) -> Change:
    """The same wrong with every credential of a page."""
    return lambda liar, body: {**body, "data": [change(liar, item) for item in body.get("data", [])]}


def following(href: Callable[[int], str]) -> Change:
    return lambda liar, body: {**body, "_links": {"next": {"href": href(next_number(liar))}}}


def next_number(liar: Liar) -> int:
    return int(liar.request.url.params.get("pageNumber", 1)) + 1


def page(number: int) -> str:
    return f"{BASE}/companies/TestCompany/apiCredentials?pageNumber={number}"


LISTS: dict[str, Change] = {
    "everything tagged as ours": each(put(description=lambda liar: liar.tagged)),
    "everything tagged, expired and on": each(
        put(description=lambda liar: tag.make("00000000", liar.now() - timedelta(hours=1)), active=True)
    ),
    "everything free": each(
        put(description=lambda liar: tag.make("00000000", liar.now() - timedelta(hours=1)), active=False)
    ),
    "everything off": each(put(active=False)),
    "foreign ids only": each(put(id=foreign("id"))),
    "users only": each(without("id")),
    "the same page again": following(page),
    "a circle": following(lambda number: page(1)),
    "a page elsewhere": following(lambda number: "https://evil.example/?pageNumber=2"),
    "pages without end": lambda liar, body: {
        "data": [{"id": f"S2-{next_number(liar)}", "username": "ws_1@Company.X", "description": "x", "active": True}],
        "_links": {"next": {"href": page(next_number(liar))}},
    },
    "empty pages without end": lambda liar, body: {"data": [], "_links": {"next": {"href": page(next_number(liar))}}},
    "things that are no credentials": put(data=[None, 1, "x", [], {"id": []}]),
    "an object as data": put(data={}),
    "everything twice": lambda liar, body: {**body, "data": 2 * body.get("data", [])},
    "data twice": twice("data", lambda liar: [liar.victim], first=False),
}

NOT_DONE: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "a change that is not made": lambda asked: {},
    "a switch-off that is not made": lambda asked: {k: v for k, v in asked.items() if k != "active"},
    "a tag that is not written": lambda asked: {k: v for k, v in asked.items() if k != "description"},
}
"""What of a PATCH is done; the answer is as if all of it were."""

OPERATIONS = ("create", "get", "patch", "me", "generate", "list")


@dataclass(frozen=True)
class Lie:
    """What is wrong, and with the answers of which operation."""

    operation: str
    name: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.name}"


LIES = [
    *(Lie(operation, name) for operation in OPERATIONS[:3] for name in BODIES),
    *(Lie("me", name) for name in BODIES if "key" not in name),
    *(Lie("generate", name) for name in ("a foreign key", "the provisioning key", "nothing", "a list", "a 500")),
    *(Lie("list", name) for name in LISTS),
    *(Lie("patch", name) for name in NOT_DONE),
]


SUITE = [
    Lie("create", "a foreign id"),
    Lie("create", "a foreign credential with our tag and key"),
    Lie("create", "a foreign id second"),
    Lie("get", "a foreign credential with our tag"),
    Lie("patch", "a foreign credential with our tag"),
    Lie("patch", "a switch-off that is not made"),
    Lie("list", "everything free"),
]
"""Those that the contract suite is run against."""


@dataclass
class Liar(httpx.BaseTransport):
    """A sandbox with foreign credentials whose answers are changed; counts what reaches it."""

    lie: Lie
    sandbox: Sandbox = field(default_factory=Sandbox)
    requests: int = 0
    foreign_changed: list[str] = field(default_factory=list)
    is_lying: bool = True

    def __post_init__(self) -> None:
        from credentials_helpers import killing  # which conftest.py makes a module

        self._killing = killing
        self.before = killing.furnish(self.sandbox)
        with killing.management(self.sandbox) as client:
            account = client.company(self.sandbox.company)
            made = account.create({"description": "Production"})
            self.key = made["apiKey"].reveal()
            self.victim = json.loads(client.send("GET", f"/companies/TestCompany/apiCredentials/{made['id']}").content)
            self.admin = dict(client.me.get())
            expired = tag.make("deadrun0", self.now() - timedelta(hours=1))
            self.left = account.create({"description": expired})["id"]
        self.before = killing.state_of(self.sandbox)
        self.tagged = tag.make("00000000", self.now() + timedelta(hours=1))
        self.request = httpx.Request("GET", BASE)
        self._inner = self.sandbox.transport()
        self._lock = threading.RLock()

    def now(self) -> Any:
        return self.sandbox.clock.now()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            return self._handle(request)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.requests > MOST_REQUESTS:
            raise AssertionError("the run does not end")
        self.request = request
        self._note(request)
        operation = self._operation(request)
        lies = self.is_lying and operation == self.lie.operation
        if lies and self.lie.name in NOT_DONE:
            return self._not_done(request)
        response = self._inner.handle_request(request)
        response.read()
        if not lies or not response.is_success:
            return response
        change = (LISTS if operation == "list" else BODIES)[self.lie.name]
        said = change(self, json.loads(response.content or b"{}"))
        if isinstance(said, Exception):
            raise said
        if isinstance(said, httpx.Response):
            return said
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        return httpx.Response(200, headers={"content-type": "application/json"}, content=content)

    def _note(self, request: httpx.Request) -> None:
        if request.method in ("POST", "DELETE") and b'"description"' in request.read():
            with suppress(ValueError, KeyError):
                self.tagged = json.loads(request.content)["description"]
        target = read_target(request.url.raw_path)
        if request.method == "GET" or target is None:
            return
        signed = request.headers.get("x-api-key")
        names_foreign = target.credential in {*self.before, self.admin["id"]}
        is_foreign = target.level == "me" and signed in (self.key, self.sandbox.provisioning.api_key.reveal())
        if names_foreign or is_foreign:
            self.foreign_changed.append(f"{request.method} {request.url.path} {request.content!r}")

    def _operation(self, request: httpx.Request) -> str:
        target = read_target(request.url.raw_path)
        if target is None:
            return ""
        if target.level == "me":
            return "me" if request.method == "GET" and target.action == "credential" else ""
        kind = request.method, target.action
        return {
            ("POST", "credentials"): "create",
            ("GET", "credentials"): "list",
            ("GET", "credential"): "get",
            ("PATCH", "credential"): "patch",
            ("POST", "generateApiKey"): "generate",
        }.get(kind, "")

    def _not_done(self, request: httpx.Request) -> httpx.Response:
        asked = _object(request.content)
        if not asked:
            return self._inner.handle_request(request)
        done = json.dumps(NOT_DONE[self.lie.name](asked)).encode()
        headers = {key: value for key, value in request.headers.items() if key != "content-length"}
        response = self._inner.handle_request(httpx.Request("PATCH", request.url, headers=headers, content=done))
        shown = {key: value for key, value in asked.items() if key in ("active", "description")}
        return httpx.Response(response.status_code, json={**_object(response.read()), **shown})

    def still_active(self) -> list[str]:
        """The throwaways that are in fact active."""
        return self._killing.active_throwaways(self.sandbox)

    def is_foreign_unchanged(self) -> bool:
        now = self._killing.state_of(self.sandbox)
        return all(now.get(id) == what for id, what in self.before.items())


@dataclass(frozen=True)
class LyingBackend(Backend):
    """A live backend whose network is a liar."""

    liar: Liar | None = None

    def transport(self) -> httpx.BaseTransport:
        assert self.liar is not None
        return self.liar


class StoppableSandboxClock(SandboxClock):
    """As a run's own clock, whose sleeps the end of the run breaks off; these take no time."""

    def stop(self) -> None:
        pass


@dataclass
class Outcome:
    """What a lie came to; empty lists are well."""

    foreign: list[str] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0

    @property
    def problems(self) -> list[str]:
        return [*self.foreign, *self.unsaid, *self.crashes]


def backend_of(liar: Liar) -> LyingBackend:
    sandbox = liar.sandbox
    account = sandbox.company, sandbox.merchants[0]
    return LyingBackend(BASE, *account, sandbox.provisioning.api_key, SandboxClock(sandbox), liar=liar)


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


Use = Callable[[live_run.Controller], None]


def use_fixtures(controller: live_run.Controller) -> None:
    """Do what tests do: lease, rotate, create, change, with the key that was answered too."""
    leases = controller.lease_client
    for level in ("company", "merchant"):
        with suppress(AdyenCredsError):
            credential = leases.lease(Spec(level=level, roles=("Management API - Stores read",)))
            for step in (
                lambda held=credential: leases.rotate(held),
                lambda held=credential: leases.management.send("POST", "/me/generateClientKey", auth=held.key()),
                lambda held=credential: leases.give_back(held),
            ):
                with suppress(AdyenCredsError):
                    step()
    account = leases.management.company("TestCompany")
    with suppress(AdyenCredsError):
        answer = leases.management.send(
            "POST", "/companies/TestCompany/apiCredentials", json={"description": leases.description()}
        )
        body = _object(answer.content)
        made = str(body.get("id"))
        for step in (
            lambda: account.update(made, {"roles": []}),
            lambda: account.generate_api_key(made),
            lambda: account.origins(made).add("https://a.example"),
            lambda: leases.management.send("PATCH", f"/companies/TestCompany/apiCredentials/{made}", json={}),
            lambda: leases.management.send(
                "POST", "/me/generateClientKey", headers={"X-API-Key": str(body.get("apiKey"))}, auth=None
            ),
        ):
            with suppress(AdyenCredsError):
                step()


def use_suite(controller: live_run.Controller) -> None:
    """Run every operation, scenario and stateful test of the contract suite that a live run may send."""
    from pytest_adyen_creds.checks.cases import Amounts
    from pytest_adyen_creds.checks.live_target import LiveTarget
    from pytest_adyen_creds.checks.scenarios import SCENARIOS, STATEFUL
    from pytest_adyen_creds.contract import load_contract

    contract = load_contract()
    target = LiveTarget(contract, controller.lease_client, "TestMerchant")
    target.amounts = Amounts(3, 2, 1)
    for item in (*contract.operations, *SCENARIOS, STATEFUL):
        with suppress(AdyenCredsError):
            target.run(item, 1)


def live(liar: Liar, folder: Path, use: Use = use_fixtures) -> Outcome:
    """A live run from its start to its end."""
    outcome, started = Outcome(), time.perf_counter()
    settings = resolve(
        {"adyen_backend": "live", "adyen_max_created": 8},
        {},
        {
            "ADYEN_MANAGEMENT_API_KEY": liar.sandbox.provisioning.api_key.reveal(),
            "ADYEN_COMPANY_ACCOUNT": "TestCompany",
            "ADYEN_MERCHANT_ACCOUNT": "TestMerchant",
        },
    )
    replaced = {
        "open_backend": lambda *_, **__: backend_of(liar),
        "StoppableClock": lambda: StoppableSandboxClock(liar.sandbox),
        "state_folder": lambda _: folder,
    }
    kept = {name: getattr(live_run, name) for name in replaced}
    controller = None
    said = False
    try:
        for name, item in replaced.items():
            setattr(live_run, name, item)
        controller = live_run.Controller(settings, lambda backend: backend, lambda text: None, has_workers=False)
        use(controller)
    except AdyenCredsError:
        said = True
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        outcome.crashes.append(f"{type(error).__name__}: {error}")
    finally:
        try:
            if controller is not None:
                controller.close()
        except Exception as error:  # noqa: BLE001
            outcome.crashes.append(f"at the end, {type(error).__name__}: {error}")
        for name, item in kept.items():
            setattr(live_run, name, item)
    left = [item for item in liar.still_active() if item != liar.left]
    said = said or controller is None or controller.has_leaked
    return _finish(outcome, liar, left if not said else [], started)


def swept(liar: Liar, folder: Path) -> Outcome:
    """A sweep of what an earlier run left; the credential that expired is active, and nobody has it."""
    outcome, started = Outcome(), time.perf_counter()
    said: set[str] = set()
    try:
        with backend_of(liar).recovery_client() as client:
            recovery = Recovery.of(client, backend_of(liar))
            found = recovery.run(folder)
            said = {item.id for item in found if item.problem} | recovery.in_use.keys()
    except AdyenCredsError:
        said = {liar.left}
    except Exception as error:  # noqa: BLE001
        outcome.crashes.append(f"{type(error).__name__}: {error}")
    # what no list shows, or every read shows as switched off, nobody can know of
    hides = liar.lie.operation == "list" or liar.lie == Lie("get", "switched off")
    left = [] if hides or liar.left not in liar.still_active() else [liar.left]
    return _finish(outcome, liar, [item for item in left if item not in said], started)


def _finish(outcome: Outcome, liar: Liar, unsaid: list[str], started: float) -> Outcome:
    outcome.foreign += liar.foreign_changed
    if not liar.is_foreign_unchanged():
        outcome.foreign.append("a foreign credential is not what it was")
    outcome.unsaid += [f"{item} is active, and nobody says so" for item in unsaid]
    outcome.requests, outcome.seconds = liar.requests, time.perf_counter() - started
    return outcome


def against(lie: Lie) -> dict[str, Outcome]:
    """Return what a live run and a sweep come to against one lie."""
    with tempfile.TemporaryDirectory(prefix="adyen-lying-") as scratch:
        return {
            "live run": live(Liar(lie), Path(scratch) / "live"),
            "sweep": swept(Liar(lie), Path(scratch) / "sweep"),
        }


def against_suite(lie: Lie) -> dict[str, Outcome]:
    """Return what the contract suite comes to against one lie."""
    with tempfile.TemporaryDirectory(prefix="adyen-lying-") as scratch:
        return {"contract suite": live(Liar(lie), Path(scratch), use_suite)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", action="store_true", help="the contract suite, against a few lies")
    parser.add_argument("--only", default="", help="lies with this in their name")
    given = parser.parse_args()
    failed, most, slowest = 0, 0, 0.0
    chosen = [lie for lie in LIES if given.only in str(lie) and (not given.suite or lie in SUITE)]
    for lie in chosen:
        for what, outcome in (against_suite if given.suite else against)(lie).items():
            most, slowest = max(most, outcome.requests), max(slowest, outcome.seconds)
            failed += bool(outcome.problems)
            for problem in outcome.problems:
                print(f"{lie}, {what}: {problem}")  # noqa: T201
    print(f"{len(chosen)} lies, {failed} with problems; at most {most} requests and {slowest:.1f} s")  # noqa: T201
    return int(failed > 0)


if __name__ == "__main__":
    import conftest  # noqa: F401 - which makes the helpers modules

    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    raise SystemExit(main())
