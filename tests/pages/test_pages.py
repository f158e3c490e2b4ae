"""The sandbox's pages do what they show, show what the API says, and nothing secret but once."""

from __future__ import annotations

import ast
import html
import random
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from pytest_adyen_creds.contract import load_contract
from pytest_adyen_creds.pages import Pages
from pytest_adyen_creds.pages.permissions import PRESETS, categories
from pytest_adyen_creds.pages.requests import entry_as_test
from pytest_adyen_creds.sandbox import Sandbox

URL = "http://127.0.0.1:8080"
PAGES = ("/", "/?tab=platforms", "/ca/new", "/ca/requests", "/ca/clock", "/ca/faults", "/ca/rules")
HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}\u202e"


def works(sandbox: Sandbox, key: str) -> bool:
    with httpx.Client(transport=sandbox.transport()) as client:
        return client.get(f"{URL}/v3/me", headers={"X-API-Key": key}).status_code == 200


def shown_secret(page: str, name: str) -> str:
    (found,) = re.findall(rf'data-secret="{name}">([^<]+)<', page)
    return str(found).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")


def every_page(browser: Any) -> Iterator[str]:
    sandbox = browser.sandbox
    for path in PAGES:
        yield browser.get(path).text
    for credential in sandbox.customer_area.credentials():
        yield browser.get(f"/ca/credentials/{credential.id}").text
    for entry in sandbox.app.journal:
        yield browser.get(f"/ca/requests/{entry.number}").text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_for_nothing_elsewhere_and_runs_nothing_inline(browser: Any, path: str) -> None:
    page = browser.get(path)
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.findall(r"(?:src|href|action)=\"(?:https?:)?//", page.text)
    assert not re.findall(r"<script>|<style| style=| on[a-z]+=", page.text)
    assert "not Adyen" in page.text
    size = len(page.content) + sum(len(browser.get(f"/ca/static/{name}").content) for name in ("page.css", "page.js"))
    assert size < 100_000


def test_what_is_not_a_page_is_the_api_or_says_so(browser: Any) -> None:
    assert browser.get("/v3/me").status_code == 401
    assert browser.get("/_sandbox/").status_code == 200
    for path in (
        "/ca/nothing",
        "/ca/credentials/nobody",
        "/ca/requests/7",
        "/ca/static/app.py",
        "/ca/static/..%2fapp.py",
    ):
        assert browser.get(path).status_code == 404
    assert browser.client.put("/ca/clock").status_code == 405


@pytest.mark.parametrize(
    ("kind", "username"),
    [
        ("company", r"ws_\d+@Company\.TestCompany"),
        ("merchant TestMerchantEU", r"ws_\d+@Company\.TestCompany"),
        ("balance-platform", r"ws_\d+@BalancePlatform\.Second"),
        ("legal-entity", r"ws_\d+@Scope\.Company_TestCompany"),
    ],
)
def test_a_credential_of_each_kind_is_created(browser: Any, sandbox: Sandbox, kind: str, username: str) -> None:
    page = browser.send("/ca/new", kind=kind, description="by hand", platform="Second", do="create")
    made = sandbox.customer_area.credentials()[-1]
    assert re.fullmatch(username, made.username)
    assert made.username in page
    assert made.description == "by hand"
    assert made.home == (kind.partition(" ")[2] or None)
    assert shown_secret(page, "API key") == made.api_keys[-1].secret.reveal()


def test_a_key_is_shown_once_and_the_previous_one_expires(browser: Any, sandbox: Sandbox) -> None:
    new = sandbox.customer_area.create_company_user(roles=[sandbox.roles[0]])
    at = f"/ca/credentials/{new.id}"
    page = browser.send(at, do="generate-api-key")
    key = shown_secret(page, "API key")
    assert works(sandbox, key)
    assert works(sandbox, new.api_key.reveal())
    again = browser.get(at).text
    assert key not in again
    assert re.search(r"(23 h 59|24 h 00) min left", again)
    sandbox.clock.advance(hours=10)
    assert re.search(r"1[34] h \d\d min left", browser.get(at).text)
    browser.send(at, do="reset")
    assert re.search(r"(23 h 59|24 h 00) min left", browser.get(at).text)
    browser.send(at, do="expire")
    assert not works(sandbox, new.api_key.reveal())
    assert works(sandbox, key)
    assert "has no previous API key" in browser.send(at, do="expire")


def test_a_password_dies_when_the_next_is_made_and_a_client_key_does_not(browser: Any, sandbox: Sandbox) -> None:
    new = sandbox.customer_area.create_company_user(roles=[sandbox.roles[0]])
    at = f"/ca/credentials/{new.id}"
    password = shown_secret(browser.send(at, do="generate-password"), "Password")
    with httpx.Client(transport=sandbox.transport()) as client:
        assert client.get(f"{URL}/v3/me", auth=(new.username, password)).status_code == 200
        assert client.get(f"{URL}/v3/me", auth=(new.username, new.password.reveal())).status_code == 401
    first = shown_secret(browser.send(at, do="generate-client-key"), "Client key")
    second = shown_secret(browser.send(at, do="generate-client-key"), "Client key")
    assert sandbox.customer_area.accepts_client_key(first)
    assert sandbox.customer_area.accepts_client_key(second)


def test_settings_are_saved_together_or_kept_to_be_mended(browser: Any, sandbox: Sandbox, api: httpx.Client) -> None:
    new = sandbox.customer_area.create_company_user()
    at = f"/ca/credentials/{new.id}"
    typed = {
        "description": "shop",
        "origins": "https://shop.example\nhttps://b.example:8443",
        "allowed_ips": "10.0.0.0/8",
    }
    page = browser.send(at, **typed | {"allowed_ips": "10.0.0.0/8\nnowhere"}, do="save")
    assert "is no IP address" in page
    assert "https://b.example:8443" in page  # not lost
    assert sandbox.customer_area.credential(new.id).description is None
    browser.send(at, **typed, do="save")
    shown = api.get(f"/companies/TestCompany/apiCredentials/{new.id}").json()
    assert shown["description"] == "shop"
    assert [origin["domain"] for origin in shown["allowedOrigins"]] == [
        "https://shop.example",
        "https://b.example:8443",
    ]
    assert shown["allowedIpAddresses"] == ["10.0.0.0/8"]
    browser.send(at, lambda form: form.pop("active"), do="save")
    assert api.get(f"/companies/TestCompany/apiCredentials/{new.id}").json()["active"] is False


def test_what_is_typed_survives_another_button(browser: Any, sandbox: Sandbox) -> None:
    new = sandbox.customer_area.create_company_user()
    page = browser.send(f"/ca/credentials/{new.id}", description="not saved", do="generate-api-key")
    assert 'value="not saved"' in page
    assert "is not saved yet" in page
    assert sandbox.customer_area.credential(new.id).description is None


@pytest.mark.parametrize("preset", PRESETS[1:])
def test_a_preset_chooses_the_roles_of_all_categories(browser: Any, sandbox: Sandbox, preset: str) -> None:
    browser.send("/ca/new", kind="company", preset=preset, do="create")
    made = sandbox.customer_area.credentials()[-1]
    expected = {role for category in categories(sandbox.roles, ()) for role in category.of(preset)}
    assert set(made.roles) == expected
    assert f'value="{preset}" data-preset checked' in browser.get(f"/ca/credentials/{made.id}").text


def test_boxes_make_a_custom_choice_and_a_preset_of_one_category_leaves_the_others(
    browser: Any, sandbox: Sandbox
) -> None:
    chosen = [sandbox.roles[0], sandbox.roles[-1]]
    browser.send("/ca/new", kind="company", role=chosen, do="create")
    made = sandbox.customer_area.credentials()[-1]
    assert list(made.roles) == chosen
    at = f"/ca/credentials/{made.id}"
    assert 'name="preset" value="Custom" data-preset checked' in browser.get(at).text
    browser.send(at, **{"preset-management-api": "Read-only"}, do="save")
    (management,) = [each for each in categories(sandbox.roles, ()) if each.name == "Management API"]
    assert set(sandbox.customer_area.credential(made.id).roles) == {sandbox.roles[-1]} | management.of("Read-only")


def test_what_a_credential_may_call_is_what_it_is_not_refused(browser: Any, sandbox: Sandbox) -> None:
    area, operations = sandbox.customer_area, load_contract("v3").operations
    counts = []
    for roles in (["Management API - Stores read"], ["Checkout webservice role"], [sandbox.roles[0]]):
        user = area.create_company_user(roles=roles)
        shown = set(re.findall(r"<li><code>([^<]+)</code>", browser.get(f"/ca/credentials/{user.id}").text))
        with httpx.Client(transport=sandbox.transport(), headers={"X-API-Key": user.api_key.reveal()}) as client:
            for label, operation in operations.items():
                path = operation.path.format(
                    companyId="TestCompany", merchantId="TestMerchant", apiCredentialId="none", originId="none"
                )
                answer = client.request(operation.method, f"{URL}/v3{path}", json={})
                assert (answer.status_code != 403) == (html.escape(label) in shown), (label, roles)
        counts.append(len(shown))
    assert counts[1] < counts[0] < counts[2] == len(operations)
    platform = area.create_balance_platform_user()
    assert "<li><code>" not in browser.get(f"/ca/credentials/{platform.id}").text


def test_no_role_is_refused_and_the_first_credential_keeps_its_own(browser: Any, sandbox: Sandbox) -> None:
    new = sandbox.customer_area.create_company_user()
    assert "at least one role" in browser.send(f"/ca/credentials/{new.id}", role=[], do="save")
    first = f"/ca/credentials/{sandbox.provisioning.id}"
    assert "stays active" in browser.send(first, lambda form: form.pop("active"), do="save")
    assert works(sandbox, sandbox.provisioning.api_key.reveal())


def test_credentials_are_found_by_text_status_level_and_role(browser: Any, sandbox: Sandbox) -> None:
    area = sandbox.customer_area
    one = area.create_company_user(description="one", roles=["Merchant Payout role"])
    two = area.create_merchant_user("TestMerchant", description="two")
    three = area.create_balance_platform_user(description="three")
    area.set_active(one.id, False)

    def found(query: str) -> set[str]:
        return set(re.findall(r'href="/ca/credentials/([^"]+)"', browser.get(f"/?{query}").text))

    assert found("q=ONE") == found("status=inactive") == {one.id}
    assert found("role=Merchant+Payout+role") == {one.id, sandbox.provisioning.id}
    assert found("level=Merchant+TestMerchant") == {two.id}
    assert found("tab=platforms") == {three.id}
    assert found("q=nothing") == set()


def test_the_clock_moves_and_shows_what_expires(browser: Any, sandbox: Sandbox) -> None:
    new = sandbox.customer_area.create_company_user()
    sandbox.customer_area.generate_api_key(new.id)
    before = sandbox.clock.now()
    assert new.username in browser.get("/ca/clock").text
    assert "expired" in browser.send("/ca/clock", hours="24.5")
    assert (sandbox.clock.now() - before).total_seconds() >= 24.5 * 3600
    for wrong in ("-1", "many", "1e300", "nan"):
        assert 'role="alert"' in browser.send("/ca/clock", hours=wrong)


def test_a_fault_is_set_strikes_and_is_taken_away(browser: Any, sandbox: Sandbox, api: httpx.Client) -> None:
    assert "status 503 of GET /me" in browser.send("/ca/faults", status="503", operation="GET /me", times="2", do="set")
    assert api.get("/me").status_code == 503
    assert "struck 1 time" in browser.get("/ca/faults").text
    assert "fault: status" in browser.get("/ca/requests").text
    browser.send("/ca/faults", do="clear")
    assert api.get("/me").status_code == 200
    for wrong in ({"status": "99"}, {"times": "some"}, {"kind": "flood"}, {"kind": "violation", "violation": ""}):
        assert 'role="alert"' in browser.send("/ca/faults", **{"do": "set", "status": "500", **wrong})


def test_a_request_is_shown_judged_explained_and_can_be_taken_along(
    browser: Any, sandbox: Sandbox, api: httpx.Client
) -> None:
    api.post("/companies/TestCompany/apiCredentials", json={"description": "new"})
    sandbox.faults.violate("drop-required-field", field="id")
    api.get("/me")
    rows = browser.get("/ca/requests").text
    assert rows.index("/v3/me") < rows.index("/v3/companies")
    page = browser.get("/ca/requests/1").text
    for part in (
        "credentials.created",
        "documented",
        "keeps to the contract",
        "curl -sS",
        "def test_it(",
        "interactions:",
    ):
        assert part in page
    broken = browser.get("/ca/requests/2").text
    assert "response-required-property-missing" in broken
    fragment = browser.get("/ca/requests?rows&after=1").text
    assert (fragment.count("<tr"), "<html" in fragment) == (1, False)


def test_a_request_copied_as_a_test_passes(browser: Any, sandbox: Sandbox, pytester: pytest.Pytester) -> None:
    area, mine = sandbox.customer_area, "/companies/TestCompany/apiCredentials"
    users = [
        area.create_company_user(roles=["Management API - Stores read"]),
        area.create_merchant_user("TestMerchant", roles=["Management API - API credentials read and write"]),
        sandbox.provisioning,
    ]
    with httpx.Client(transport=sandbox.transport(), base_url=f"{URL}/v3") as client:
        for user in users:
            client.headers["X-API-Key"] = user.api_key.reveal()
            client.get(f"{mine}?pageSize=2")
            client.post("/me/allowedOrigins", json={"domain": "https://shop.example"})
            client.get("/me")
        sandbox.faults.status(429, "GET /me")
        client.get("/me")
        for kind in ("lost-answer", "reset", "truncated"):
            sandbox.faults.add(kind, operation="POST /me/allowedOrigins")
            with pytest.raises(httpx.TransportError):
                client.post("/me/allowedOrigins", json={"domain": "https://b.example"})
        sandbox.faults.delay(0.001, "GET /me")
        client.get("/me")
    for entry in sandbox.app.journal:
        page = browser.get(f"/ca/requests/{entry.number}").text
        caller = next((user for user in users if user.id == entry.caller), None)
        assert (caller is None) == (entry.fault in ("status", "reset"))
        assert caller is None or f'Asked by <a href="/ca/credentials/{caller.id}">' in page
        (copied,) = re.findall(r"<h2>As a test</h2>\s*<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
        (pytester.path / f"test_{entry.number}.py").write_text(html.unescape(copied))
    count = len(list(pytester.path.glob("test_*.py")))
    assert count == 14
    pytester.runpytest("--adyen-backend=sandbox").assert_outcomes(passed=count)


def test_a_request_copied_as_a_test_runs_nothing_that_was_asked(sandbox: Sandbox) -> None:
    sandbox.app.journal.add(
        at=sandbox.clock.now(), method="GET", origin=URL, target='/v3/x"),exec("1")#', operation=None, status=404,
        rule="paths.unknown", fault="", sent=None, answered=None,
    )  # fmt: skip
    tree = ast.parse(entry_as_test(sandbox.app.journal[-1]))
    assert "exec" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def test_rules_are_found_by_their_words(browser: Any) -> None:
    page = browser.get("/ca/rules?q=24+previous&evidence=documented").text
    assert "api-keys.overlap" in page
    assert "paths.unknown" not in page


def test_no_page_shows_a_secret(browser: Any, sandbox: Sandbox, api: httpx.Client) -> None:
    made = api.post("/companies/TestCompany/apiCredentials", json={}).json()
    told = "AQE" + "Ab3x" * 20 + "==-" + "Zz9y" * 10 + "abc=-" + "q{8Kz!4T<w&Yp%2s"
    api.patch(f"/companies/TestCompany/apiCredentials/{made['id']}", json={"description": made["password"]})
    api.post("/me/allowedOrigins", json={"domain": made["apiKey"]})
    api.post(f"/companies/TestCompany/apiCredentials/{told}/generateApiKey")
    for kind in ("company", "balance-platform"):
        browser.send("/ca/new", kind=kind, do="create")
    values = [made["apiKey"], made["password"], made["clientKey"], told]
    for credential in sandbox.customer_area.credentials():
        values += [key.secret.reveal() for key in (*credential.api_keys, *credential.client_keys)]
        values.append(credential.password.secret.reveal())
    texts = list(every_page(browser))
    assert len(texts) > 12
    escaped = [value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for value in values]
    assert not [value[:6] for value in {*values, *escaped} if any(value in text for text in texts)]


def test_whatever_is_typed_stays_text(browser: Any, sandbox: Sandbox, api: httpx.Client) -> None:
    area = sandbox.customer_area
    new = area.create_company_user(description=HOSTILE[:50], roles=[HOSTILE, sandbox.roles[0]])
    api.get(f"/{HOSTILE}?{HOSTILE}", headers={"User-Agent": "<script>alert(2)</script>"})
    browser.send(f"/ca/credentials/{new.id}", description="<script>alert(3)</script>", do="save")
    for page in (*every_page(browser), browser.get(f"/?q={HOSTILE}").text, browser.get(f"/ca/rules?q={HOSTILE}").text):
        assert "<script>" not in page
        assert "\u202e" not in page.partition("<form")[0]
        assert not re.findall(r"<[^>]* on\w+=", page)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "https://evil.example"}, True),
        ({"Origin": "http://127.0.0.1:8081"}, True),
        ({"Origin": URL}, False),
    ],
)
def test_nothing_changes_for_who_has_not_its_token_and_its_origin(
    browser: Any, sandbox: Sandbox, headers: dict[str, str], token: bool
) -> None:
    new = sandbox.customer_area.create_company_user()
    page = browser.get(f"/ca/credentials/{new.id}").text
    (real,) = set(re.findall(r'name="token" value="([^"]+)"', page))
    before, now = list(sandbox.customer_area.credentials()), sandbox.clock.now()
    form = {"token": real if token else real[:-1] + "?", "do": "generate-api-key", "hours": "24", "kind": "company"}
    for path in (f"/ca/credentials/{new.id}", "/ca/new", "/ca/clock", "/ca/faults", "/ca/requests/clear"):
        assert browser.client.post(path, data=form, headers=headers).status_code == 403
    assert list(sandbox.customer_area.credentials()) == before
    assert (sandbox.clock.now() - now).total_seconds() < 3600
    assert sandbox.faults.all() == []


def test_forms_that_are_too_large_are_refused(browser: Any) -> None:
    large = browser.client.post("/ca/clock", data={"hours": "1" * 300_000}, headers={"Origin": URL})
    assert large.status_code == 413


@pytest.mark.parametrize("seed", range(6))
def test_after_a_random_walk_of_calls_the_pages_say_what_the_api_says(
    browser: Any, sandbox: Sandbox, api: httpx.Client, seed: int
) -> None:
    choice = random.Random(seed)
    at = "/companies/TestCompany/apiCredentials"
    ids: list[str] = []
    for step in range(40):
        if not ids or choice.random() < 0.3:
            where = choice.choice([at, "/merchants/TestMerchant/apiCredentials"])
            ids.append(api.post(where, json={"description": f"number {step}"}).json()["id"])
            continue
        one = f"{at}/{choice.choice(ids)}"
        changes = [
            {"active": choice.random() < 0.5},
            {"description": f"changed {step}"},
            {"roles": choice.sample(sandbox.roles, choice.randint(1, 5))},
            {"allowedOrigins": [f"https://{step}.example"]},
        ]
        if choice.random() < 0.3:
            api.post(f"{one}/generateApiKey")
            sandbox.clock.advance(hours=choice.randint(0, 20))
        else:
            api.patch(one, json=choice.choice(changes))
    for id_ in ids:
        told, page = api.get(f"{at}/{id_}").json(), browser.get(f"/ca/credentials/{id_}").text
        assert told["username"] in page
        assert f'value="{told["description"]}"' in page
        assert ('name="active" checked' in page) == told["active"]
        ticked = re.findall(r'name="role" value="([^"]+)"[^>]* checked>', page)
        assert sorted(ticked) == sorted(told["roles"])
        for origin in told.get("allowedOrigins", []):
            assert origin["domain"] in page
        keys = sandbox.customer_area.credential(id_).api_keys[:-1]
        works_still = [key for key in keys if not key.has_expired(sandbox.clock.now())]
        assert page.count(" min left") == len(works_still)
    shown = browser.get("/").text
    listed = api.get(f"{at}?pageSize=100").json()["data"]
    assert all(each["id"] in shown for each in listed)


def test_the_pages_show_what_a_state_file_kept(tmp_path):
    with closing(Sandbox(state_file=tmp_path / "state")) as sandbox:
        key = sandbox.provisioning.api_key.reveal()
        http = httpx.Client(transport=sandbox.transport(), base_url=URL, headers={"X-API-Key": key})
        made = http.post("/v3/companies/TestCompany/apiCredentials", json={"description": "kept"}).json()
        http.get("/v3/me")
        http.post("/v3/me/allowedOrigins", json={"domain": made["apiKey"]})
        http.post(f"/v3/companies/TestCompany/apiCredentials/{made['apiKey']}/generateApiKey", json={"a": made})
        http.get("/v3/me", headers={"X-API-Key": made["apiKey"]}, auth=(made["username"], made["password"]))
        more = [http.post("/v3/me/generateClientKey").json()["clientKey"], sandbox.provisioning.password.reveal(), key]
    with closing(Sandbox(state_file=tmp_path / "state")) as sandbox:
        browser = httpx.Client(transport=httpx.WSGITransport(Pages(sandbox)), base_url=URL, follow_redirects=True)
        seen, left = set(), ["/"]
        pages = ""
        while left:
            path = left.pop().partition("#")[0]
            if path not in seen and path.startswith("/"):
                seen.add(path)
                answer = browser.get(path)
                assert answer.status_code == 200, path
                if answer.headers["content-type"].startswith("text/html"):
                    pages += answer.text
                    left += [html.unescape(found) for found in re.findall(r'href="([^"]*)"', answer.text)]
    assert "kept" in pages
    assert made["id"] in pages
    assert len(seen) > 11
    secrets = [made["apiKey"], made["password"], made["clientKey"], *more]
    assert not [secret[:4] for secret in secrets if html.escape(secret) in pages or secret in pages]
