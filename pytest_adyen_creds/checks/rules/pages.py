"""Paging: totals, lengths and links that fit each other; no item twice, none lost."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_adyen_creds.checks.exchange import Exchange, href_of, path_of
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.checks.rules.rule import SPECIFICATION, RuleViolation, rule
from pytest_adyen_creds.text import counted


@rule(f"{SPECIFICATION}, GET …/apiCredentials, parameters and PaginationLinks")
def paging_totals(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """A page's totals and length fit each other and the page size that was asked for (10 unless said otherwise)."""
    page = exchange.page
    if page is None:
        return
    pages = exchange.body.get("pagesTotal")
    if isinstance(pages, int) and pages not in {-(-page.total // page.size), page.last}:
        yield RuleViolation("/pagesTotal", f"is {pages} for {counted(page.total, 'item')}, {page.size} a page")
    wanted = max(0, min(page.size, page.total - (page.number - 1) * page.size))
    if len(page.data) != wanted:
        yield RuleViolation("/data", f"has {counted(len(page.data), 'item')} where the totals make it {wanted}")


@rule(f"{SPECIFICATION}, PaginationLinks")
def paging_links(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """A page links the first and the last one, the next unless it is the last, the previous unless the first."""
    page = exchange.page
    if page is None or "_links" not in exchange.body:
        return
    wanted = {"self": page.number, "first": 1, "last": page.last}
    if page.number < page.last:
        wanted["next"] = page.number + 1
    if 1 < page.number <= page.last:
        wanted["prev"] = page.number - 1
    for name in ("self", "first", "last", "next", "prev"):
        href, place = href_of(exchange.body, name), f"/_links/{name}/href"
        if href is None:
            if name in ("next", "prev") and name in wanted:
                yield RuleViolation(place, f"is missing on page {page.number} of {page.last}")
        elif name in wanted and not _leads_to(href, exchange.path, wanted[name], page.size):
            yield RuleViolation(place, f"does not lead to page {wanted[name]} of this list")
        elif name not in wanted and page.number <= page.last:
            yield RuleViolation(place, f"leads on from page {page.number} of {page.last}")


@rule(f"{SPECIFICATION}, GET …/apiCredentials")
def paging_complete(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    """Over its pages a list has each credential once: none twice, none missing."""
    page = exchange.page
    if page is None:
        return
    ids = [item["id"] for item in page.data if isinstance(item, dict) and isinstance(item.get("id"), str)]
    if len(set(ids)) < len(ids):
        yield RuleViolation("/data", "has the same credential twice")
    earlier = state.listings.get((exchange.path, page.size, page.total), {})
    others = {id for number, found in earlier.items() if number != page.number for id in found}
    if others & set(ids):
        yield RuleViolation("/data", "has a credential that another page had already")
    if all(number in earlier or number == page.number for number in range(1, page.last + 1)):
        created = {known.id for known in state.credentials.values() if known.path == exchange.path}
        missing = created - others - set(ids)
        if missing:
            yield RuleViolation("/data", f"lacks {len(missing)} credentials created here, and so do all pages")


def _leads_to(href: str, path: str, number: int, size: int) -> bool:
    _, linked, query = path_of(href)
    return (
        linked == path and query.get("pageNumber", "1") == str(number) and query.get("pageSize", str(size)) == str(size)
    )
