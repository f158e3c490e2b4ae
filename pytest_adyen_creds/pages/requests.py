"""The journal as pages show it: masked, judged by the contract, and as curl, a test or a cassette."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import Cassette
from pytest_adyen_creds.cassettes.recording import interaction_of, provenance_of
from pytest_adyen_creds.cassettes.redact.finder import masked
from pytest_adyen_creds.cassettes.redact.scrubber import SANDBOX_ACCOUNTS, Scrubber
from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.failure import as_curl
from pytest_adyen_creds.contract import VERSIONS, Contract, load_contract
from pytest_adyen_creds.contract.baseline import Acceptance, Baseline
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.sandbox.faults import DETAILS, FaultKind
from pytest_adyen_creds.sandbox.journal import NO_ANSWER, Entry, Message
from pytest_adyen_creds.sandbox.rules import behaviours
from pytest_adyen_creds.sandbox.state import Credential, UserKind
from pytest_adyen_creds.sandbox.wire import reveal
from pytest_adyen_creds.secrets import MASK

_LONGEST: Final = 20_000
"""Characters of one body that are shown."""
_UNANSWERED: Final = frozenset({FaultKind.LOST_ANSWER, FaultKind.TIMEOUT, FaultKind.TRUNCATED})
"""After what no client has an answer, whatever was answered."""


@dataclass(frozen=True)
class Judged:
    """How the contract judges an answer: ``word`` in short, and one line for each departure."""

    word: str
    departures: tuple[str, ...] = ()


def judged(entry: Entry) -> Judged:
    """Return how the contract of the version in the entry's path judges its answer."""
    contract = _contract_of(entry)
    if entry.answered is None or entry.sent is None:
        return Judged("not kept")
    if contract is None or entry.operation is None or entry.status == NO_ANSWER:
        return Judged("not judged")
    exchange = Exchange.of(contract, *_messages(entry))
    if not exchange.is_known:
        return Judged("not judged")
    acceptance = Acceptance(contract.known_deviations, Baseline(), clock.today())
    found = [each for each in exchange.observations if acceptance.counts(each.finding)]
    lines = tuple(f"{each.finding.id} at {each.finding.location or 'the answer'}: {each.example}" for each in found)
    return Judged("departs" if lines else "keeps", lines)


def rule_of(entry: Entry) -> Any:
    """Return the rule that decided an entry, None where there is none of that name."""
    return next((rule for rule in behaviours() if rule.id == entry.rule), None)


def shown_headers(message: Message) -> Iterator[tuple[str, str]]:
    """Yield a message's headers, masked, what signs it by name alone."""
    for name in message.signed_by:
        yield name, MASK
    for name, value in message.headers:
        yield name, masked(value)


def shown_body(message: Message) -> str:
    """Return a message's body, masked, JSON in lines."""
    if message.document is not None:
        text = json.dumps(message.document, default=lambda _: MASK, indent=2, ensure_ascii=False)
    else:
        text = message.body.decode("utf-8", "replace")
        with contextlib.suppress(ValueError, RecursionError):
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    cut = masked(text)
    return cut if len(cut) <= _LONGEST else f"{cut[:_LONGEST]}\n… ({len(cut)} characters in all)"


def entry_as_curl(entry: Entry, caller: Credential | None = None) -> str:
    """Return the request as a shell command; what signs it is a variable, and a comment says whose key that is."""
    command = masked(as_curl(_messages(entry)[0]))
    return command if caller is None else f"# with the key or password of {masked(caller.username)}\n{command}"


def entry_as_test(entry: Entry, caller: Credential | None = None) -> str:
    """Return a test that asks the same as a throwaway credential, and holds the answer to the contract.

    The throwaway has the level and the roles of ``caller``, but for the provisioning credential's. A fault is set again
    where the journal knows all of it.
    """
    path, _, query = entry.target.partition("?")
    asked_for = f"/{path.split('/', 2)[-1]}{'?' + query if query else ''}"
    called = f"{json.dumps(entry.method)}, {json.dumps(asked_for)}"  # whatever was asked stays text in the code
    sent = shown_body(entry.sent).strip() if entry.sent and entry.sent.body else ""
    has_answer = entry.status != NO_ANSWER and entry.fault not in _UNANSWERED
    imports = [] if has_answer else ["import httpx"]
    mark = _mark(caller)
    imports += ["import pytest"] if mark or not has_answer else []
    fixtures = ["adyen_client"]
    fixtures += ["adyen_sandbox"] if entry.fault else ["adyen_contract"]
    lines = [*imports, *([""] * 2 if imports else []), *mark, f"def test_it({', '.join(fixtures)}):"]
    lines += [f"    {_fault(entry)}"] if entry.fault else []
    lines += [f"    body = {_literal(sent)}"] if sent else []
    asked = f"adyen_client.request({called}{', json=body' if sent else ''})"
    if has_answer:
        lines += [f"    answer = {asked}", f"    assert answer.status_code == {entry.status}"]
        lines += [] if entry.fault else ["    adyen_contract.check(answer)"]
    else:
        lines += ["    with pytest.raises(httpx.TransportError):", f"        {asked}"]
    return masked("\n".join(lines) + "\n")


def _mark(caller: Credential | None) -> list[str]:
    if caller is None or caller.kind is not UserKind.COMPANY or caller.username.startswith("ws@"):
        return []
    level = ', level="merchant"' if caller.home else ""
    return [f"@pytest.mark.adyen_credential(roles={list(caller.roles)!r}{level})"]


def _fault(entry: Entry) -> str:
    """Return the line that sets an entry's fault again, or a comment where it lacks what the fault takes."""
    if entry.fault == FaultKind.STATUS:
        return f'adyen_sandbox.faults.status({entry.status}, "{entry.operation}")'
    if DETAILS.get(entry.fault):
        return f"# a fault struck: {entry.fault}; set it with adyen_sandbox.faults"
    return f'adyen_sandbox.faults.add("{entry.fault}", operation="{entry.operation}")'


def entry_as_cassette(entry: Entry, accounts: tuple[str, ...]) -> str:
    """Return a cassette of this one request, scrubbed, which says that the sandbox answered.

    Raises :class:`CassetteError` where it cannot be scrubbed or belongs to no contract.
    """
    contract = _contract_of(entry)
    if contract is None or entry.sent is None or entry.status == NO_ANSWER:
        why = "it is none of the contract's, had no answer, or its messages are gone"
        raise CassetteError(f"this request has no cassette: {why}")
    kept = [account for account in accounts if account in SANDBOX_ACCOUNTS]
    interaction = interaction_of(*_messages(entry))
    (clean,) = Scrubber(contract, accounts, keep=kept).interactions([interaction])
    at = min(entry.at, clock.now())  # the sandbox's clock may be ahead of the real one
    return serializer.dumps(Cassette((clean,), provenance_of(contract, "sandbox", at)))


def _contract_of(entry: Entry) -> Contract | None:
    version = entry.target.split("/", 2)[1] if "/" in entry.target[:1] else ""
    return load_contract(version) if version in VERSIONS else None


def _messages(entry: Entry) -> tuple[httpx.Request, httpx.Response]:
    """Return an entry's request and answer for httpx, what signed the request left out but for its name."""
    sent, answered = entry.sent or Message(()), entry.answered or Message(())
    signed = [(name, MASK) for name in sent.signed_by]
    headers = [(name, value) for name, value in sent.headers if name not in ("host", "content-length")]
    request = httpx.Request(entry.method, f"{entry.origin}{entry.target}", headers=headers + signed, content=sent.body)
    body = b"" if answered.document is None else json.dumps(answered.document, default=reveal).encode()
    answer = httpx.Response(entry.status, headers=list(answered.headers), content=body, request=request)
    return request, answer


def _literal(text: str) -> str:
    try:
        return repr(json.loads(text))
    except (ValueError, RecursionError):
        return repr(text)
