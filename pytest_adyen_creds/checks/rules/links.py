"""Links: same host, version and resource; and what they name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pytest_adyen_creds.checks.exchange import Exchange, href_of, items, path_of
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, RuleViolation, rule

_HREF: Final = re.compile(r"/_links/[^/]*/href$")
_BELOW: Final = ("allowedOrigins", "generateApiKey", "generateClientKey")


@rule(f"{SPECIFICATION}, examples of _links; v1 by a captured GET /me response", "observed")
def links_stay(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """Links stay on the host that was called, and name its version; v1 may stand whatever version was called."""
    if not exchange.good:
        return
    url = exchange.request.url
    base = f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
    called = path_of(url.raw_path.decode("ascii", "replace"))[0]
    for pointer, _, href in exchange.body_texts:
        if not _HREF.search(pointer):
            continue
        if not href.startswith(f"{base}/"):
            yield RuleViolation(pointer, f"leads away from {base}")
        elif path_of(href)[0] not in ("v1", called):
            yield RuleViolation(pointer, f"names another version than {called}")


@rule(f"{SPECIFICATION}, ApiCredentialLinks and Links")
def links_name_resource(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """A resource's links name the resource itself, what is below it, and its account."""
    for pointer, shown in exchange.credentials():
        id = shown.get("id")
        if exchange.level == "me":
            own = {"/me"}
        elif isinstance(id, str):
            account = exchange.path.partition("/apiCredentials")[0]
            # a company's list may link a merchant account's credential where it lives
            homes = [item for item in items(shown, "associatedMerchantAccounts") if isinstance(item, str)]
            own = {f"{account}/apiCredentials/{id}", *(f"/merchants/{home}/apiCredentials/{id}" for home in homes)}
        else:
            continue
        yield from _credential(pointer, shown, own, exchange)
        for number, origin in enumerate(items(shown, "allowedOrigins")):
            yield from _origin(f"{pointer}/allowedOrigins/{number}", origin, own)
    for pointer, shown in exchange.origins():
        yield from _origin(pointer, shown, {exchange.path.partition("/allowedOrigins")[0]})


@rule(f"{SPECIFICATION}, links named self")
def links_resolve(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """What an answer links as its own resource is there to be read."""
    subject = state.subject(exchange)
    removed = subject is not None and exchange.parameters.get("originId") in subject.removed
    gone = exchange.status in (404, 405, 410, 422) or exchange.status == 204
    asked_for = exchange.expects not in ("", "2xx")
    if exchange.operation.method != "GET" or exchange.query or not gone or asked_for or removed:
        return
    if exchange.path in state.linked:
        yield RuleViolation("", f"{state.linked[exchange.path]} linked this, and it answers {exchange.status}")


def _credential(pointer: str, shown: dict[str, Any], own: set[str], exchange: Exchange) -> Iterator[RuleViolation]:
    wanted = {"self": own} | {name: {f"{path}/{name}" for path in own} for name in _BELOW}
    if "companyId" in exchange.parameters:
        wanted["company"] = {f"/companies/{exchange.parameters['companyId']}"}
    if "merchantId" in exchange.parameters:
        wanted["merchant"] = {f"/merchants/{exchange.parameters['merchantId']}"}
    for name, paths in wanted.items():
        href = href_of(shown, name)
        if href is not None and not _names(href, paths):
            yield RuleViolation(f"{pointer}/_links/{name}/href", f"does not name {_what(name)}")


def _origin(pointer: str, shown: Any, parents: set[str]) -> Iterator[RuleViolation]:
    href = href_of(shown, "self")
    if href is None or not isinstance(shown.get("id"), str):
        return
    if not _names(href, {f"{parent}/allowedOrigins/{shown['id']}" for parent in parents}):
        yield RuleViolation(f"{pointer}/_links/self/href", "does not name the origin")


def _names(href: str, paths: set[str]) -> bool:
    _, path, query = path_of(href)
    return path in paths and not query


def _what(name: str) -> str:
    return {"self": "the resource that holds it", "company": "the company", "merchant": "the merchant account"}.get(
        name, f"the credential's {name}"
    )
