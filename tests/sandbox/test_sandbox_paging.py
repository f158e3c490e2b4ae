"""Paging: totals, links, limits."""

from __future__ import annotations

import httpx
import pytest

COMPANY = "/companies/TestCompany/apiCredentials"
MERCHANT = "/merchants/TestMerchantEU/apiCredentials"
TOTAL = 55


@pytest.fixture(params=[COMPANY, MERCHANT])
def home(request, admin):
    """The address of a list of 55 credentials."""
    made = TOTAL - 1 if request.param == COMPANY else TOTAL
    for _ in range(made):
        assert admin.post(request.param).status_code == 200
    return request.param


def followed(admin: httpx.Client, path: str) -> list[dict]:
    pages = [admin.get(path).json()]
    while "next" in pages[-1]["_links"]:
        pages.append(admin.get(pages[-1]["_links"]["next"]["href"]).json())
        assert len(pages) <= TOTAL
    return pages


@pytest.mark.parametrize("size", [1, 10, 50, 100])
def test_following_next_sees_each_credential_once(admin, home, size):
    pages = followed(admin, f"{home}?pageSize={size}")
    ids = [item["id"] for page in pages for item in page["data"]]
    assert len(ids) == len(set(ids)) == TOTAL
    assert len(pages) == -(-TOTAL // size)
    assert {page["itemsTotal"] for page in pages} == {TOTAL}
    assert {page["pagesTotal"] for page in pages} == {len(pages)}
    assert all(len(page["data"]) == size for page in pages[:-1])


@pytest.mark.parametrize("size", [1, 10, 50, 100])
def test_every_page_links_itself_its_neighbours_first_and_last(admin, home, size):
    last = -(-TOTAL // size)
    for number, page in enumerate(followed(admin, f"{home}?pageSize={size}"), start=1):
        expected = {"self": number, "first": 1, "last": last}
        if number > 1:
            expected["prev"] = number - 1
        if number < last:
            expected["next"] = number + 1
        links = {name: httpx.URL(link["href"]) for name, link in page["_links"].items()}
        assert {name: int(url.params["pageNumber"]) for name, url in links.items()} == expected
        assert {url.params["pageSize"] for url in links.values()} == {str(size)}
        assert {url.copy_with(query=None) for url in links.values()} == {httpx.URL(f"http://sandbox.test/v3{home}")}


def test_a_page_has_10_items_by_default(admin, home):
    page = admin.get(home).json()
    assert len(page["data"]) == 10
    assert page["pagesTotal"] == 6


@pytest.mark.parametrize("name", ["pageSize", "pageNumber"])
@pytest.mark.parametrize(
    "value",
    ["0", "-1", "text", "", "1.0", "1e1", "+1", " 1", "0x1", "٣", "2147483648", "-2147483649", "9" * 500, "null"],
)
def test_what_is_no_positive_int32_is_refused(admin, name, value):
    refused = admin.get(COMPANY, params={name: value})
    assert refused.status_code == 422
    assert [(field["name"], field["value"]) for field in refused.json()["invalidFields"]] == [(name, value[:100])]


def test_a_page_has_100_items_at_most(admin):
    refused = admin.get(COMPANY, params={"pageSize": 101})
    assert [field["name"] for field in refused.json()["invalidFields"]] == ["pageSize"]
    assert admin.get(COMPANY, params={"pageSize": 100}).status_code == 200


def test_all_wrong_parameters_are_named_at_once(admin):
    refused = admin.get(COMPANY, params={"pageSize": "many", "pageNumber": 0})
    assert [field["name"] for field in refused.json()["invalidFields"]] == ["pageNumber", "pageSize"]


def test_a_parameter_given_twice_is_refused(admin):
    assert admin.get(f"{COMPANY}?pageSize=1&pageSize=2").status_code == 422


def test_other_parameters_are_ignored(admin):
    assert admin.get(f"{COMPANY}?pageSize=1&other=x").status_code == 200


def test_beyond_the_last_page_there_is_nothing(admin, home):
    page = admin.get(f"{home}?pageNumber=2147483647&pageSize=100").json()
    assert (page["data"], page["itemsTotal"], page["pagesTotal"]) == ([], TOTAL, 1)
    assert "next" not in page["_links"]
    assert "pageNumber=1&" in page["_links"]["prev"]["href"]
