"""Allowed origins: what is one, adding, listing and removing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_adyen_creds.sandbox.origins import canonical, covers

COMPANY = "/companies/TestCompany/apiCredentials"
MERCHANT = "/merchants/TestMerchant/apiCredentials"

ORIGINS = [
    "https://adyen.com",
    "http://localhost",
    "http://localhost:3000",
    "https://www.eu.mystore.com",
    "https://*.mystore.com",
    "HTTPS://Shop.Example:8443",
    "https://192.0.2.1:1",
    "https://[2001:db8::1]:65535",
    "https://xn--bcher-kva.example",
]
NOT_ORIGINS = [
    "",
    "adyen.com",
    "//adyen.com",
    "https://",
    "https:///",
    "ftp://adyen.com",
    "javascript:alert(1)",
    "https://adyen.com/",
    "https://adyen.com/path",
    "https://adyen.com?query",
    "https://adyen.com#fragment",
    "https://user@adyen.com",
    "https://user:password@adyen.com",
    "https://adyen.com:",
    "https://adyen.com:0",
    "https://adyen.com:65536",
    "https://adyen.com:port",
    "https://adyen.com:+1",
    "https://*",
    "https://*.com",
    "https://a.*.com",
    "https://*shop.example",
    "https://shop.*",
    "https://sh*p.example",
    "https://ady en.com",
    " https://adyen.com",
    "https://adyen.com\n",
    "https://adyen.com\\x",
    "https://a%64yen.com",
    "https://-adyen.com",
    "https://adyen-.com",
    "https://adyen..com",
    "https://adyen.com.",
    "https://.com",
    "https://192.0.2.256",
    "https://192.0.2",
    "https://[::1",
    "https://[::g]",
    "https://[::1]x",
    "https://bücher.example",
    "https://" + "a" * 64 + ".example",
    "https://" + "a." * 130 + "example",
]


@pytest.mark.parametrize("home", [COMPANY, MERCHANT, None])
@pytest.mark.parametrize("domain", ORIGINS)
def test_an_origin_is_added_shown_listed_and_removed(admin, home, domain):
    parent = f"{home}/{admin.post(home).json()['id']}" if home else "/me"
    added = admin.post(f"{parent}/allowedOrigins", json={"domain": domain}).json()
    href = f"http://sandbox.test/v3{parent}/allowedOrigins/{added['id']}"
    assert added == {"id": added["id"], "domain": domain, "_links": {"self": {"href": href}}}
    assert admin.get(href).json() == added
    assert admin.get(f"{parent}/allowedOrigins").json() == {"data": [added]}
    assert admin.get(parent).json()["allowedOrigins"] == [added]
    removed = admin.delete(href)
    assert (removed.status_code, removed.content) == (204, b"")
    assert admin.get(href).status_code == admin.delete(href).status_code == 422
    assert "allowedOrigins" not in admin.get(parent).json()


@pytest.mark.parametrize("domain", NOT_ORIGINS)
def test_what_is_no_origin_is_refused_wherever_it_is_given(admin, domain):
    one = admin.post("/me/allowedOrigins", json={"domain": domain})
    assert [(field["name"], "value" in field) for field in one.json()["invalidFields"]] == [("origin", False)]
    many = admin.post(COMPANY, json={"allowedOrigins": ["https://fine.example", domain]})
    assert [field["name"] for field in many.json()["invalidFields"]] == ["allowedOrigins"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://adyen.com", "https://adyen.com"),
        ("https://adyen.com", "HTTPS://ADYEN.COM"),
        ("https://adyen.com", "https://adyen.com:443"),
        ("http://[::1]", "http://[0:0:0:0:0:0:0:1]:80"),
    ],
)
def test_an_origin_is_on_the_list_once(admin, first, second):
    assert admin.post("/me/allowedOrigins", json={"domain": first}).status_code == 200
    assert admin.post("/me/allowedOrigins", json={"domain": second}).status_code == 422
    assert admin.post(COMPANY, json={"allowedOrigins": [first, second]}).status_code == 422
    assert admin.post("/me/allowedOrigins", json={"domain": "http://adyen.com"}).status_code == 200


def test_an_origin_belongs_to_one_credential(admin):
    one, other = (admin.post(COMPANY, json={"allowedOrigins": ["https://a.example"]}).json() for _ in range(2))
    foreign = other["allowedOrigins"][0]["id"]
    assert admin.get(f"{COMPANY}/{one['id']}/allowedOrigins/{foreign}").status_code == 422
    assert admin.delete(f"{COMPANY}/{one['id']}/allowedOrigins/{foreign}").status_code == 422
    assert admin.get(f"{COMPANY}/{other['id']}/allowedOrigins/{foreign}").status_code == 200


def test_an_update_replaces_the_list_and_keeps_the_ids_of_what_stays(admin):
    created = admin.post(COMPANY, json={"allowedOrigins": ["https://a.example", "https://b.example"]}).json()
    ids = {origin["domain"]: origin["id"] for origin in created["allowedOrigins"]}
    path = f"{COMPANY}/{created['id']}"
    changed = admin.patch(path, json={"allowedOrigins": ["https://c.example", "https://b.example"]}).json()
    now = {origin["domain"]: origin["id"] for origin in changed["allowedOrigins"]}
    assert list(now) == ["https://c.example", "https://b.example"]
    assert now["https://b.example"] == ids["https://b.example"]
    assert now["https://c.example"] not in ids.values()
    assert "allowedOrigins" not in admin.patch(path, json={"allowedOrigins": []}).json()


def test_the_id_in_a_request_is_ignored(admin):
    body = {"domain": "https://a.example", "id": "mine", "_links": {"self": {"href": "http://elsewhere.example"}}}
    added = admin.post("/me/allowedOrigins", json=body).json()
    assert added["id"] != "mine"
    assert added["_links"]["self"]["href"].startswith("http://sandbox.test/")


@given(st.text())
def test_any_text_is_an_origin_or_is_not(text):
    form = canonical(text)
    if form is not None:
        scheme, host, port = form
        bracketed = f"[{host}]" if ":" in host else host
        assert canonical(f"{scheme}://{bracketed}:{port}") == form


@pytest.mark.parametrize(
    ("allowed", "origin", "covered"),
    [
        ("https://shop.example", "https://shop.example", True),
        ("https://shop.example", "https://shop.example:443", True),
        ("https://shop.example", "http://shop.example", False),
        ("https://shop.example", "https://eu.shop.example", False),
        ("https://*.mystore.com", "https://a.b.mystore.com", True),
        ("https://*.mystore.com", "https://mystore.com", False),
        ("https://*.mystore.com", "https://mystore.com.evil.example", False),
        ("https://*.mystore.com", "https://evilmystore.com", False),
        ("https://*.mystore.com", "https://a.mystore.com:8443", False),
        ("https://shop.example", "null", False),
    ],
)
def test_a_wildcard_covers_subdomains_only(allowed, origin, covered):
    assert covers(allowed, origin) is covered
