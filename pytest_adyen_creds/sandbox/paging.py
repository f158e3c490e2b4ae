"""Paging: the two query parameters of the list operations, and the links between pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from pytest_adyen_creds.sandbox.bodies import UNREADABLE
from pytest_adyen_creds.sandbox.outcomes import InvalidFields, Kind, Refused
from pytest_adyen_creds.sandbox.rules import SPECIFICATION, Rule, implements
from pytest_adyen_creds.sandbox.state import Credential

LARGEST_PAGE: Final = 100
"""The most items on one page."""
DEFAULT_PAGE: Final = 10
"""How many items a page has unless asked otherwise."""

SIZE: Final = Rule.documented(
    "paging.page-size",
    "A page has 10 items unless pageSize says otherwise, and 100 at most; more is refused with 422.",
    f"{SPECIFICATION}, parameter pageSize; that more is refused, not cut to 100, is assumed",
)
POSITIVE: Final = Rule.assumed(
    "paging.positive",
    "pageNumber and pageSize are at least 1; less is refused with 422.",
    "pages are numbered from 1 in the specification's examples",
)
INTEGERS: Final = Rule.documented(
    "paging.integers",
    "pageNumber and pageSize are 32-bit integers, given once; anything else is refused with 422.",
    f"{SPECIFICATION}, schemas of both parameters",
)
LINKS: Final = Rule.documented(
    "paging.links",
    "Every page links itself, the first and the last page; the next and the previous one where there is one.",
    f"{SPECIFICATION}, PaginationLinks",
)
BEYOND: Final = Rule.assumed(
    "paging.beyond-the-last",
    "A page beyond the last one is answered with no data, the true totals, and the last page as the previous one.",
    "not published; following next never gets there",
)
OTHER_PARAMETERS: Final = Rule.assumed(
    "paging.other-parameters",
    "Query parameters that an operation does not have are ignored.",
    "common practice, and harmless",
)

_INTEGER: Final = re.compile(r"-?[0-9]{1,10}")
_INT32: Final = range(-(2**31), 2**31)


@dataclass(frozen=True)
class Page:
    """Which page is asked for: ``number`` from 1, ``size`` in items."""

    number: int
    size: int

    def of(self, items: Sequence[Credential]) -> Sequence[Credential]:
        """Return the items that are on this page."""
        return items[(self.number - 1) * self.size : self.number * self.size]


@implements(OTHER_PARAMETERS)
def read_page(query: str) -> Page:
    """Return the page that a query asks for; raises :class:`Refused` with each wrong parameter named."""
    try:
        given = parse_qs(query, keep_blank_values=True, errors="replace", max_num_fields=1000)
    except ValueError:
        raise Refused(UNREADABLE, Kind.UNREADABLE, "The query cannot be read.") from None
    invalid = InvalidFields()
    page = Page(
        _read("pageNumber", given.get("pageNumber", ["1"]), invalid),
        _read("pageSize", given.get("pageSize", [str(DEFAULT_PAGE)]), invalid),
    )
    if page.size > LARGEST_PAGE:
        invalid.add(SIZE, "pageSize", str(page.size), f"A page has at most {LARGEST_PAGE} items.")
    invalid.raise_any()
    return page


def _read(name: str, values: Sequence[str], invalid: InvalidFields) -> int:
    text = ",".join(values)
    if len(values) != 1 or not _INTEGER.fullmatch(text) or int(text) not in _INT32:
        invalid.add(INTEGERS, name, text, "This parameter must be a 32-bit integer.")
        return 1
    if int(text) < 1:
        invalid.add(POSITIVE, name, text, "This parameter must be 1 or more.")
    return int(text)


@implements(LINKS)
def show_page(total: int, page: Page, href: str, data: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the document of ``page`` of a list with ``total`` items.

    ``data`` are the items on the page, ``href`` is the list's address without a query.
    """
    last = max(1, -(-total // page.size))
    numbers = {"self": page.number, "first": 1, "last": last}
    if page.number < last:
        numbers["next"] = page.number + 1
    if page.number > 1:
        numbers["prev"] = min(page.number - 1, last)
    return {
        "_links": {
            name: {"href": f"{href}?pageNumber={number}&pageSize={page.size}"} for name, number in numbers.items()
        },
        "itemsTotal": total,
        "pagesTotal": -(-total // page.size),
        "data": list(data),
    }
