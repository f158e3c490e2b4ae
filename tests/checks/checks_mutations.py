"""The mutations: sandboxes with one thing wrong, each with the sequence of the suite that should notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from checks_breakages import Answer, Change, accept, breaking, edit, links, one_link, pages, refuse

from pytest_adyen_creds.sandbox import Sandbox

COMPANY = "/companies/{companyId}/apiCredentials"
MERCHANT = "/merchants/{merchantId}/apiCredentials"
ONE = f"{COMPANY}/{{apiCredentialId}}"
MERCHANT_ONE = f"{MERCHANT}/{{apiCredentialId}}"


@dataclass(frozen=True)
class Mutation:
    """One thing wrong: ``prepare`` makes it so, ``sequence`` (a label, a life's name, ``stateful``) should notice.

    ``recorded`` is whether a recording shows it: of the headers, it has only those of an allow list.
    """

    name: str
    sequence: str
    prepare: Callable[[Sandbox], Any]
    recorded: bool = True


def violation(name: str, operation: str, field: str | None = None, sequence: str | None = None) -> Mutation:
    def prepare(sandbox: Sandbox) -> None:
        sandbox.faults.violate(name, operation, field=field, times=None)

    return Mutation(f"{name} {field or ''} in {operation}", sequence or operation, prepare)


def rule(name: str, sequence: str, change: Change, *, recorded: bool = True) -> Mutation:
    return Mutation(name, sequence, breaking(change), recorded)


BODIES = [
    violation("drop-required-field", f"POST {COMPANY}"),
    violation("drop-required-field", f"GET {ONE}", "roles"),
    violation("drop-required-field", f"GET {MERCHANT}"),
    violation("drop-required-field", f"PATCH {MERCHANT_ONE}", "active"),
    violation("drop-required-field", "GET /me", "username"),
    violation("drop-required-field", f"POST {ONE}/generateApiKey"),
    violation("drop-required-field", "POST /me/allowedOrigins"),
    violation("extra-field", f"GET {COMPANY}"),
    violation("extra-field", f"POST {MERCHANT}", "secretQuestion"),
    violation("extra-field", f"PATCH {ONE}"),
    violation("extra-field", f"GET {ONE}/allowedOrigins"),
    violation("extra-field", "POST /me/generateClientKey"),
    violation("extra-field", f"GET {MERCHANT_ONE}/allowedOrigins/{{originId}}"),
    violation("wrong-type", f"GET {MERCHANT_ONE}"),
    violation("wrong-type", f"GET {COMPANY}"),
    violation("wrong-type", f"POST {ONE}/allowedOrigins"),
    violation("wrong-type", f"DELETE {ONE}/allowedOrigins/{{originId}}", "status"),
    violation("wrong-type", "GET /me", "roles"),
    violation("null-field", f"POST {COMPANY}"),
    violation("null-field", f"PATCH {ONE}"),
    violation("null-field", f"GET {MERCHANT}", "pagesTotal"),
    violation("renamed-field", f"GET {ONE}"),
    violation("renamed-field", f"POST {MERCHANT_ONE}/generateClientKey"),
    violation("renamed-field", "GET /me/allowedOrigins/{originId}"),
    violation("long-description", f"GET {ONE}"),
    violation("long-description", f"POST {MERCHANT}"),
    violation("long-description", "GET /me"),
    violation("wrong-items", f"GET {COMPANY}"),
    violation("wrong-items", f"PATCH {MERCHANT_ONE}"),
    violation("wrong-items", "GET /me/allowedOrigins"),
    violation("int32-overflow", f"GET {MERCHANT}"),
    violation("int32-overflow", f"DELETE {MERCHANT_ONE}/allowedOrigins/{{originId}}"),
    violation("array-body", f"GET {MERCHANT_ONE}/allowedOrigins"),
    violation("array-body", f"POST {MERCHANT_ONE}/generateApiKey"),
    Mutation("HTML", f"GET {ONE}", lambda s: s.faults.content_type("text/html", f"GET {ONE}", times=None)),
    Mutation("teapot", "GET /me", lambda s: s.faults.status(418, "GET /me", times=None)),
    Mutation("500 for all", f"PATCH {ONE}", lambda s: s.faults.status(500, f"PATCH {ONE}", times=None)),
    Mutation("200 with an error", f"GET {ONE}", lambda s: s.faults.status(200, f"GET {ONE}", times=None)),
    Mutation("truncated", f"GET {MERCHANT_ONE}", lambda s: s.faults.truncate(f"GET {MERCHANT_ONE}", times=None)),
]
"""Every kind of body violation, and what else an answer can have wrong by itself."""


def _reveal(name: str) -> Callable[[Any], None]:
    return lambda document: document.update({name: "AQEleakedleakedleaked"})


def _leak(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    if answer.status < 400 or not answer.key or not isinstance(answer.document, dict):
        return None
    return replace(answer, document=answer.document | {"detail": f"the key {answer.key} is not good"})


def _leak_in_header(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    return replace(answer, headers=[*answer.headers, ("X-Debug", answer.key)]) if answer.status >= 400 else None


def _same_secret(name: str) -> Change:
    def change(answer: Answer, memory: dict[str, Any]) -> Answer | None:
        if answer.method != "POST" or not isinstance(answer.document, dict) or name not in answer.document:
            return None
        kept = memory.setdefault("kept", answer.document[name])
        return replace(answer, document=answer.document | {name: kept})

    return change


def _remember_key(answer: Answer, memory: dict[str, Any]) -> None:
    if answer.method == "POST" and answer.kind == "apiCredentials" and answer.status == 200:
        memory["key"] = answer.document["apiKey"]


def _old_key_dies(answer: Answer, memory: dict[str, Any]) -> bool:
    _remember_key(answer, memory)
    memory["rotated"] = memory.get("rotated") or answer.kind == "generateApiKey"
    return memory["rotated"] and answer.kind == "me" and answer.key == memory.get("key")


def _me_document(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    if answer.kind == "me" and answer.status == 200:
        memory.setdefault(answer.key, answer.document)
        memory["any"] = answer.document
    return None


def _never_refused(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    _me_document(answer, memory)
    if answer.kind == "me" and answer.status == 401:
        return replace(answer, status=200, document=memory.get(answer.key) or memory.get("any"))
    return None


def _everybody_is_first(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    _me_document(answer, memory)
    if answer.kind == "me" and answer.status == 200:
        return replace(answer, document=memory.setdefault("first", answer.document))
    return None


def _lost_item(document: Any, answer: Answer) -> None:
    if len(document["data"]) > 1:
        document["data"].pop()


def _twice(document: Any, answer: Answer) -> None:
    if len(document["data"]) > 1:
        document["data"][-1] = document["data"][0]


def _same_page_again(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    if answer.kind != "apiCredentials" or answer.method != "GET" or answer.status != 200:
        return None
    size = answer.query.get("pageSize", ["10"])[0]
    first = memory.setdefault(size, answer.document["data"])
    if answer.query.get("pageNumber", ["1"])[0] == "2":
        return replace(answer, document=answer.document | {"data": first[: len(answer.document["data"])]})
    return None


def _forgets_newest(document: Any, answer: Answer) -> None:
    if document["data"] and answer.query.get("pageSize") == ["100"]:
        document["data"].pop()
        document["itemsTotal"] -= 1


def _no_link(name: str) -> Callable[[Any, Answer], None]:
    return lambda document, answer: document["_links"].pop(name, None)


def _page_link(name: str, number: int) -> Callable[[Any, Answer], None]:
    def change(document: Any, answer: Answer) -> None:
        if name in document["_links"]:
            href = document["_links"][name]["href"].partition("?")[0]
            document["_links"][name]["href"] = f"{href}?pageNumber={number}&pageSize=7"

    return change


def _changes_nothing(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    if answer.kind == "one" and answer.status == 200:
        return replace(answer, document=memory.setdefault(answer.path, answer.document))
    return None


def _stale_read(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    if answer.kind == "one" and answer.method == "GET" and answer.status == 200:
        return replace(answer, document=memory.setdefault(answer.path, answer.document))
    return None


def _origin_lives_on(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    if answer.kind == "origin" and answer.method == "GET":
        if answer.status == 200:
            memory[answer.path] = answer.document
        elif answer.path in memory:
            return replace(answer, status=200, document=memory[answer.path])
    return None


def _list_keeps_origins(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    if answer.kind == "allowedOrigins" and answer.method == "GET" and answer.status == 200:
        longest = max(memory.get("data", []), answer.document["data"], key=len)
        memory["data"] = longest
        return replace(answer, document={"data": longest})
    return None


def _swallows(answer: Answer, memory: dict[str, Any]) -> Answer | None:
    """Accept whatever body is sent, as if nothing were wrong with it."""
    if answer.method != "POST" or answer.kind != "apiCredentials":
        return None
    if answer.status == 200:
        memory["good"] = answer.document
    elif answer.status in (400, 422) and "good" in memory:
        return replace(answer, status=200, document=memory["good"])
    return None


RULES = [
    rule("an API key is read", f"GET {ONE}", edit("one", _reveal("apiKey"), "GET")),
    rule(
        "a password is listed",
        f"GET {COMPANY}",
        pages(lambda d, a: d["data"] and d["data"][0].update(password="hunter2hunter2")),
    ),
    rule("a rotation shows a password", f"POST {ONE}/generateApiKey", edit("generateApiKey", _reveal("password"))),
    rule(
        "an origin shows a client key", "POST /me/allowedOrigins", edit("allowedOrigins", _reveal("clientKey"), "POST")
    ),
    rule("an error repeats the key", f"GET {ONE}", _leak),
    rule("an error's header has the key", f"GET {MERCHANT_ONE}", _leak_in_header, recorded=False),
    rule(
        "an error has an apiKey",
        f"PATCH {ONE}",
        edit("one", lambda d: d.update(response={"apiKey": "AQE123456789"}), good=False),
    ),
    rule("the same API key again", f"POST {ONE}/generateApiKey", _same_secret("apiKey")),
    rule("the same client key again", f"POST {ONE}/generateClientKey", _same_secret("clientKey")),
    rule(
        "a client key of no environment",
        "GET /me",
        edit("me", lambda d: d.update(clientKey="prod_" + d["clientKey"][5:])),
    ),
    rule(
        "a client key of production",
        f"GET {ONE}",
        edit("one", lambda d: d.update(clientKey="live_" + d["clientKey"][5:])),
    ),
    rule("links lead to another host", f"GET {ONE}", links(r"^https?://[^/]+", "https://example.org")),
    rule("links name version 2", f"GET {COMPANY}", links(r"/v3/", "/v2/")),
    rule("self is another credential", f"GET {MERCHANT_ONE}", links(r"(apiCredentials/)[^/]+$", r"\1S2-0000000001")),
    rule("self of me is the list", "GET /me", one_link("me", "self", "/me/allowedOrigins")),
    rule("the company link is a merchant", f"GET {ONE}", one_link("one", "company", "/merchants/TestMerchant")),
    rule("generateApiKey leads nowhere", f"GET {ONE}", one_link("one", "generateApiKey", "/me/generateApiKey")),
    rule(
        "an origin links its list",
        f"GET {ONE}/allowedOrigins/{{originId}}",
        one_link("origin", "self", "/me/allowedOrigins"),
    ),
    rule("what is linked is not there", f"GET {ONE}", refuse(lambda a, m: a.kind == "one" and a.method == "GET", 422)),
    rule("pagesTotal is one too many", f"GET {COMPANY}", pages(lambda d, a: d.update(pagesTotal=d["pagesTotal"] + 1))),
    rule("itemsTotal is one too many", f"GET {MERCHANT}", pages(lambda d, a: d.update(itemsTotal=d["itemsTotal"] + 1))),
    rule("a page loses an item", f"GET {COMPANY}", pages(_lost_item)),
    rule("a page has an item twice", "paging at company level", pages(_twice)),
    rule("page 2 is page 1", "paging at merchant level", _same_page_again),
    rule("the newest credential is not listed", "creation at company level", pages(_forgets_newest)),
    rule("next is missing", "paging at merchant level", pages(_no_link("next"))),
    rule("prev is missing", "paging at company level", pages(_no_link("prev"))),
    rule("first leads to page 2", f"GET {COMPANY}", pages(_page_link("first", 2))),
    rule("last leads to page 9", f"GET {MERCHANT}", pages(_page_link("last", 9))),
    rule(
        "an error says another status",
        f"POST {COMPANY}",
        edit("apiCredentials", lambda d: d.update(status=400), "POST", False),
    ),
    rule("an error code in words", f"GET {ONE}", edit("one", lambda d: d.update(errorCode="FORBIDDEN"), good=False)),
    rule("an error code of another status", "GET /me", edit("me", lambda d: d.update(errorCode="00_404"), good=False)),
    rule("a credential without a role", f"PATCH {ONE}", edit("one", lambda d: d.update(roles=[]))),
    rule(
        "no roles are accepted",
        "creation at company level",
        accept("apiCredentials", "POST", lambda a: None, lambda a: a.sent.get("roles") == []),
    ),
    rule(
        "a role nobody holds is given",
        f"POST {COMPANY}",
        edit("apiCredentials", lambda d: d["roles"].append("Root"), "POST"),
    ),
    rule(
        "any role is accepted",
        "creation at merchant level",
        accept(
            "apiCredentials", "POST", lambda a: None, lambda a: "A role that nobody holds" in a.sent.get("roles", [])
        ),
    ),
    rule(
        "a username without ws",
        f"POST {MERCHANT}",
        edit("apiCredentials", lambda d: d.update(username="user-1"), "POST"),
    ),
    rule(
        "a username of another company",
        f"POST {COMPANY}",
        edit("apiCredentials", lambda d: d.update(username="ws_1@Company.Other"), "POST"),
    ),
    rule(
        "a balance-platform user at a merchant",
        f"GET {MERCHANT_ONE}",
        edit("one", lambda d: d.update(username="ws_1@BalancePlatform.X")),
    ),
    rule(
        "an added origin is another",
        f"POST {ONE}/allowedOrigins",
        edit("allowedOrigins", lambda d: d.update(domain="https://evil.example"), "POST"),
    ),
    rule(
        "an origin is cut short",
        "origins at company level",
        edit("origin", lambda d: d.update(domain=d["domain"][:-1]), "GET"),
    ),
    rule("a removed origin is still read", "origins at company level", _origin_lives_on),
    rule("a removed origin is still listed", "origins at me level", _list_keeps_origins),
    rule("an added origin has no id", "POST /me/allowedOrigins", edit("allowedOrigins", lambda d: d.pop("id"), "POST")),
    rule("a deactivated key is let in", "deactivation at company level", _never_refused),
    rule("an old key outlives its day", "rotation at merchant level", _never_refused),
    rule("an old key dies at once", "rotation at company level", refuse(_old_key_dies)),
    rule("me is somebody else", "client-keys at company level", _everybody_is_first),
    rule("any key is let in", "GET /me", _never_refused),
    rule("an update changes nothing", "changes at company level", _changes_nothing),
    rule("reads are stale", "changes at merchant level", _stale_read),
    rule(
        "lists disagree with reads",
        "changes at company level",
        pages(lambda d, a: [c.update(active=False) for c in d["data"]]),
    ),
    rule(
        "a new credential is inactive",
        f"POST {COMPANY}",
        edit("apiCredentials", lambda d: d.update(active=False), "POST"),
    ),
    rule(
        "a description is cut",
        "changes at company level",
        edit("one", lambda d: "description" in d and d.update(description=d["description"][:5])),
    ),
    rule(
        "reads forget the origins",
        "origins at merchant level",
        edit("one", lambda d: d.pop("allowedOrigins", None), "GET"),
    ),
    rule(
        "merchants are forgotten",
        "changes at company level",
        edit("one", lambda d: d.update(associatedMerchantAccounts=[]), "PATCH"),
    ),
    rule("reads name another id", f"GET {ONE}", edit("one", lambda d: d.update(id="S2-9999999999"))),
    rule("senseless bodies are accepted", f"POST {COMPANY}", _swallows),
    rule(
        "good bodies are refused",
        f"POST {MERCHANT}",
        refuse(
            lambda a, m: (
                a.kind == "apiCredentials"
                and a.method == "POST"
                and a.status == 200
                and a.sent
                and "allowedOrigins" in a.sent
                and m.setdefault("n", []).append(1) is None
                and len(m["n"]) > 1
            ),
            422,
        ),
    ),
    rule(
        "walks meet another client key",
        "stateful",
        edit("one", lambda d: d.update(clientKey="test_NOBODYNOBODYNOBODYNOBODYNOBODY"), "GET"),
    ),
    rule(
        "no role is needed",
        f"GET {COMPANY}",
        accept("apiCredentials", "GET", lambda a: None, lambda a: a.status == 403),
    ),
]
"""Every Adyen check, broken at least once."""

MUTATIONS = [*BODIES, *RULES]
