"""What people do in Adyen's Customer Area, step by step, in Chromium on the sandbox's pages, with scripts and without.

The steps are those of Adyen's page on API credentials of balance platforms, and of one on API keys with presets. Each
ends with a call over HTTP that shows the effect.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from chromium import Browser, chromium
from npm import installed
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from pytest_adyen_creds.pages import Pages
from pytest_adyen_creds.pages.permissions import categories
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.server import Server
from pytest_adyen_creds.sandbox.state import Credential

pytestmark = pytest.mark.slow("a browser")

KNOWN = {200, 403}
"""What ``GET /me`` is answered with where the key is known: users of platforms are not let in."""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@dataclass
class Area:
    """A person at the sandbox's pages."""

    browser: Browser
    sandbox: Sandbox
    url: str
    has_scripts: bool

    def go(self, path: str) -> None:
        self.browser.driver.get(self.url + path)

    def link(self, text: str) -> None:
        self._leave(self.browser.driver.find_element(By.LINK_TEXT, text))

    def button(self, text: str) -> None:
        """Select the button with ``text`` and wait for the page that follows."""
        self._leave(self._button(text))

    def _button(self, text: str) -> WebElement:
        xpath = f"//button[normalize-space()='{text}' and not(@aria-hidden)]"
        return self.browser.driver.find_element(By.XPATH, xpath)

    def _leave(self, through: WebElement) -> None:
        document = self.browser.run("performance.timeOrigin")
        through.click()
        is_next = f"document.readyState === 'complete' && performance.timeOrigin !== {document!r}"
        waiting = WebDriverWait(self.browser.driver, 10, 0.02, ignored_exceptions=[WebDriverException])
        waiting.until(lambda _: self.browser.run(is_next))

    def field(self, label: str) -> WebElement:
        """Return what is filled in or ticked at the label that begins with ``label``."""
        xpath = f"//label[starts-with(normalize-space(), '{label}')]//*[self::input or self::textarea or self::select]"
        return self.browser.driver.find_element(By.XPATH, xpath)

    def write(self, label: str, text: str) -> None:
        field = self.field(label)
        field.clear()
        field.send_keys(text)

    def copied(self, name: str) -> str:
        """Return the secret ``name`` as one takes it from the page: by its copy button where scripts run."""
        shown = self.browser.driver.find_element(By.CSS_SELECTOR, f"[data-secret='{name}']").text
        if self.has_scripts:
            button = self._button(f"Copy {name}")
            button.click()
            WebDriverWait(self.browser.driver, 5, 0.02).until(lambda _: button.text == "Copied")
            read = "navigator.clipboard.readText().then(arguments[0])"
            assert self.browser.driver.execute_async_script(read) == shown
        return shown

    def open(self, tab: str, username: str) -> None:
        """Go from the first page to the credential ``username`` in ``tab``."""
        self.go("/")
        self.link(tab)
        self.link(username)
        assert self.heading == "Configure API credential"

    @property
    def heading(self) -> str:
        return self.browser.driver.find_element(By.TAG_NAME, "h1").text

    @property
    def text(self) -> str:
        return self.browser.driver.find_element(By.TAG_NAME, "main").text

    @property
    def newest(self) -> Credential:
        return self.sandbox.customer_area.credentials()[-1]

    def status(self, key: str) -> int:
        """Ask as one's own code would: with the key, over HTTP."""
        return httpx.get(f"{self.url}/v3/me", headers={"X-API-Key": key}).status_code

    def status_with_password(self, username: str, password: str) -> int:
        return httpx.get(f"{self.url}/v3/me", auth=(username, password)).status_code


@pytest.fixture(params=[True, False], ids=["with-scripts", "without-scripts"])
def area(request: pytest.FixtureRequest, started: Browser) -> Iterator[Area]:
    sandbox = Sandbox()
    with Server(Pages(sandbox)) as server:
        permissions = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": server.url}
        started.driver.execute_cdp_cmd("Browser.grantPermissions", permissions)
        started.driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
        started.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not request.param})
        started.media()
        started.width(0)
        started.console()
        yield Area(started, sandbox, server.url, request.param)
        started.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        said = [each["message"] for each in started.console() if "evil.test" not in each["message"]]
        assert request.cls is not None or said == []  # a page of somebody else's is told of its refusals
        started.driver.get("about:blank")


def test_create_a_credential_of_a_balance_platform(area: Area) -> None:
    area.go("/")
    area.link("Platforms")
    area.link("Create new credential")
    area.field("Web service user of a balance platform").click()
    area.write("Description", "Payouts at night")
    area.button("Create credential")
    assert area.heading == "Configure API credential"
    assert re.search(r"ws_\d+@BalancePlatform\.TestCompany", area.text)
    first = area.copied("API key")
    area.button("Generate API key")
    key = area.copied("API key")
    assert key != first
    area.button("Save changes")
    assert "Saved." in area.text
    assert area.newest.description == "Payouts at night"
    assert area.status(key) == 403  # known, but none of the Management API's users
    assert area.status(f"{key}x") == 401


def test_generate_an_api_key(area: Area) -> None:
    user = area.sandbox.customer_area.create_balance_platform_user()
    area.open("Platforms", user.username)
    area.button("Generate API key")
    key = area.copied("API key")
    area.button("Save changes")
    assert key not in area.browser.driver.page_source  # after one leaves the page
    area.open("Platforms", user.username)
    assert key not in area.browser.driver.page_source
    assert area.status(key) == area.status(user.api_key.reveal()) == 403


def test_reset_the_expiry_time_of_the_previous_key(area: Area) -> None:
    user = area.sandbox.customer_area.create_balance_platform_user()
    area.sandbox.customer_area.generate_api_key(user.id)
    area.go("/ca/clock")
    area.write("Hours", "10")
    area.button("Move the clock")
    assert user.username in area.text
    area.open("Platforms", user.username)
    assert re.search(r"(13 h 59|14 h 00) min left", area.text)
    area.button("Reset to 24 hours")
    assert re.search(r"(23 h 59|24 h 00) min left", area.text)
    area.button("Save changes")
    area.sandbox.clock.advance(hours=20)
    assert area.status(user.api_key.reveal()) == 403  # without the reset it had expired 6 hours ago
    area.sandbox.clock.advance(hours=5)
    assert area.status(user.api_key.reveal()) == 401


def test_expire_the_previous_key_now(area: Area) -> None:
    user = area.sandbox.customer_area.create_balance_platform_user()
    new = area.sandbox.customer_area.generate_api_key(user.id)
    area.open("Platforms", user.username)
    area.button("Expire now")
    assert "min left" not in area.text
    area.button("Save changes")
    assert (area.status(user.api_key.reveal()), area.status(new.reveal())) == (401, 403)


def test_generate_a_password(area: Area) -> None:
    user = area.sandbox.customer_area.create_balance_platform_user()
    area.open("Platforms", user.username)
    area.button("Generate password")
    password = area.copied("Password")
    area.button("Save changes")
    assert area.status_with_password(user.username, user.password.reveal()) == 401
    assert area.status_with_password(user.username, password) == 403


def test_manage_permissions(area: Area) -> None:
    wanted = "Management API - Stores read"
    user = area.sandbox.customer_area.create_company_user(roles=["Management API - Accounts read"])
    area.open("Payments", user.username)
    category = area.browser.driver.find_element(By.XPATH, "//summary[starts-with(., 'Payouts')]")
    assert not area.field("Merchant Payout role").is_displayed()
    category.click()
    assert area.field("Merchant Payout role").is_displayed()
    area.write("Search roles", "stores")
    if not area.has_scripts:
        area.button("Search")
    assert area.field(wanted).is_displayed()
    if area.has_scripts:
        assert not area.field("Management API - Users read").is_displayed()
    area.field(wanted).click()
    area.button("Save changes")
    roles = httpx.get(f"{area.url}/v3/me", headers={"X-API-Key": user.api_key.reveal()}).json()["roles"]
    assert set(roles) == {wanted, "Management API - Accounts read"}


def test_deactivate_a_credential(area: Area) -> None:
    user = area.sandbox.customer_area.create_balance_platform_user()
    area.open("Platforms", user.username)
    area.field("Active").click()
    area.button("Save changes")
    assert area.status(user.api_key.reveal()) == 401
    area.open("Platforms", user.username)
    area.field("Active").click()
    area.button("Save changes")
    assert area.status(user.api_key.reveal()) == 403


@pytest.mark.parametrize("preset", ["Read-only", "Write", "Full access"])
def test_create_a_key_with_a_preset(area: Area, preset: str) -> None:
    area.go("/ca/new")
    area.field("Company:").click()
    area.write("Description", f"{preset} key")
    area.field(preset).click()
    area.button("Create credential")
    key = area.copied("API key")
    expected = {role for each in categories(area.sandbox.roles, ()) for role in each.of(preset)}
    shown = httpx.get(f"{area.url}/v3/me", headers={"X-API-Key": key})
    assert shown.status_code == 200
    assert set(shown.json()["roles"]) == expected
    area.browser.driver.refresh()
    assert key not in area.browser.driver.page_source  # it is shown once


def test_switching_permissions_makes_a_preset_custom(area: Area) -> None:
    area.go("/ca/new")
    area.field("Merchant TestMerchant:").click()
    preset = area.browser.driver.find_element(By.XPATH, "//summary[starts-with(., 'Management API')]")
    preset.click()
    inside = "//details[summary[starts-with(., 'Management API')]]"
    read_only = area.browser.driver.find_element(By.XPATH, f"{inside}//input[@value='Read-only']")
    if area.has_scripts:
        read_only.click()
        assert area.field("Management API - Users read").is_selected()
        custom = area.browser.driver.find_element(By.XPATH, f"{inside}//input[@value='Custom' and @data-preset]")
        assert not custom.is_selected()
        area.field("Management API - Users read").click()
        assert custom.is_selected()
    else:  # what one ticks is custom by itself
        area.field("Management API - Accounts read").click()
    area.button("Create credential")
    key = area.copied("API key")
    shown = httpx.get(f"{area.url}/v3/me", headers={"X-API-Key": key}).json()
    management = {role for each in categories(area.sandbox.roles, ()) for role in each.of("Read-only")}
    management = {role for role in management if role.startswith("Management API")}
    custom_roles = (
        management - {"Management API - Users read"} if area.has_scripts else {"Management API - Accounts read"}
    )
    assert set(shown["roles"]) == custom_roles
    area.go(f"/ca/credentials/{area.newest.id}")
    chosen = area.browser.driver.find_element(By.XPATH, f"{inside}//input[@value='Custom' and @data-preset]")
    assert chosen.is_selected()


def test_origins_and_addresses_are_kept_to(area: Area) -> None:
    user = area.sandbox.customer_area.create_company_user(roles=["Management API - API credentials read and write"])
    area.open("Payments", user.username)
    area.write("One origin a line", "https://shop.example")
    area.button("Save changes")
    mine = httpx.get(f"{area.url}/v3/me/allowedOrigins", headers={"X-API-Key": user.api_key.reveal()}).json()
    assert [each["domain"] for each in mine["data"]] == ["https://shop.example"]
    area.write("One address", "10.1.2.3")
    area.button("Save changes")
    assert area.status(user.api_key.reveal()) == 403


def test_a_fault_is_set_seen_to_strike_and_taken_away(area: Area) -> None:
    key = area.sandbox.provisioning.api_key.reveal()
    area.go("/ca/faults")
    Select(area.field("Operation")).select_by_visible_text("GET /me")
    area.write("Status", "503")
    area.button("Set the fault")
    assert area.status(key) == 503
    assert area.status(key) == 200
    area.go("/ca/requests")
    (row,) = [
        row.text for row in area.browser.driver.find_elements(By.CSS_SELECTOR, "#requests tr") if "503" in row.text
    ]
    assert "faults.asked-for" in row
    area.go("/ca/faults")
    Select(area.field("Kind")).select_by_visible_text("reset")
    area.write("Status", "")
    area.write("Times", "")
    area.button("Set the fault")
    with pytest.raises(httpx.TransportError):
        area.status(key)
    area.go("/ca/requests")
    newest = area.browser.driver.find_element(By.CSS_SELECTOR, "#requests tr").text
    assert "none" in newest
    assert "fault: reset" in newest
    area.go("/ca/faults")
    area.button("Take all away")
    assert area.status(key) == 200


def test_new_requests_appear_by_themselves_where_scripts_run(area: Area) -> None:
    area.go("/ca/requests")
    assert area.status(area.sandbox.provisioning.api_key.reveal()) == 200
    if area.has_scripts:
        find = (By.CSS_SELECTOR, "#requests tr")
        WebDriverWait(area.browser.driver, 10).until(lambda driver: driver.find_elements(*find))
    else:
        area.link("Load again")
    area.link("1")
    assert area.heading == "Request 1"
    assert "caller.me" in area.text
    assert "documented" in area.text
    assert "The answer keeps to the contract." in area.text


LOOKS = {"light": ("screen", "light", 0), "dark": ("screen", "dark", 0), "small": ("screen", "dark", 360)}
LOOKS["print"] = ("print", "dark", 0)
HOSTILE = "<script>window.hostile = 1</script><img src=x onerror='window.hostile = 1'>\"'>{{7*7}}"
FORM = (
    "<form method=post action='{url}{path}' enctype='{kind}' target=_self>"
    "<input name='{{&quot;hours&quot;: 24, &quot;a&quot;:&quot;' value='&quot;}}'>"
    "<input name=hours value=24><input name=kind value=company><input name=do value=create><input name=token value=x>"
    "</form><script>document.forms[0].submit()</script>"
)


@pytest.fixture
def full(area: Area) -> list[str]:
    """Fill the sandbox with everything that pages show, much of it hostile, and return the paths of all pages."""
    customer_area, sandbox = area.sandbox.customer_area, area.sandbox
    users = [
        customer_area.create_company_user(description="rotates", roles=sandbox.roles[:7]),
        customer_area.create_merchant_user("TestMerchant", description="shop"),
        customer_area.create_balance_platform_user(),
        customer_area.create_legal_entity_user(),
    ]
    for user in users:
        customer_area.generate_api_key(user.id)
        customer_area.generate_client_key(user.id)
    customer_area.set_active(users[1].id, False)
    sandbox.faults.status(503, "GET /me", times=1, optional=True)
    sandbox.faults.violate("extra-field", "GET /me", times=None)
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal(), "X-Odd": "<b>"}
    at = "/companies/TestCompany/apiCredentials"
    with httpx.Client(base_url=f"{area.url}/v3", headers=headers) as api:
        api.get("/me")
        api.get("/me")
        for description in (HOSTILE[:50], HOSTILE[35:85]):
            assert api.post(at, json={"description": description}).status_code == 200
        for body in ({"description": HOSTILE}, {"allowedOrigins": [HOSTILE]}, {"roles": [HOSTILE]}, {HOSTILE: HOSTILE}):
            api.post(at, json=body)
        api.get(f"/{HOSTILE}?{HOSTILE}=<script>window.hostile=1</script>")
    pages = ["/", "/?tab=platforms", "/ca/new", "/ca/requests", "/ca/clock", "/ca/faults", "/ca/rules", "/ca/nothing"]
    pages += [f"/ca/credentials/{each.id}" for each in customer_area.credentials()]
    return pages + [f"/ca/requests/{entry.number}" for entry in sandbox.app.journal]


@pytest.fixture
def axe(request: pytest.FixtureRequest) -> str:
    return (installed(request.config, "axe-core@^4.10", "axe-core") / "axe-core" / "axe.min.js").read_text()


@pytest.mark.parametrize("area", [True], indirect=True)
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_screen(
    area: Area, full: list[str], axe: str, look: str
) -> None:
    media, scheme, width = LOOKS[look]
    area.browser.media(media, scheme)
    area.browser.width(width)
    check = "axe.run({resultTypes: ['violations']}).then(found => arguments[0](found.violations))"
    for path in full if look == "light" else full[:12]:
        area.go(path)
        for details in area.browser.driver.find_elements(By.CSS_SELECTOR, "details:not([open]) > summary")[:1]:
            details.click()
        assert area.browser.run("document.documentElement.scrollWidth <= innerWidth"), path
        area.browser.driver.execute_script(axe)
        found = area.browser.driver.execute_async_script(check)
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], path
    area.browser.console()  # says that there is no page /ca/nothing


@pytest.mark.parametrize("area", [True], indirect=True)
def test_what_is_hostile_stays_text_on_every_page(area: Area, full: list[str]) -> None:
    for path in full:
        area.go(path)
        assert area.browser.run("typeof window.hostile") == "undefined", path
        assert area.browser.run("document.querySelectorAll('main script, main img, main b').length") == 0, path
    seen = [entry for entry in area.browser.console() if f"{area.url}/ca/nothing" not in entry["message"]]
    assert seen == []  # neither a script that ran nor one that the policy stopped
    area.go(f"/ca/requests/{area.sandbox.app.journal[-2].number}")
    assert "<script>window.hostile" in area.text


class Elsewhere(BaseHTTPRequestHandler):
    """A page of somebody else's, on another port of this machine."""

    page = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<!doctype html><link rel=icon href=data:,>{self.page}".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def all_state(sandbox: Sandbox) -> object:
    credentials = sandbox.customer_area.credentials()
    return credentials, sandbox.faults.all(), len(sandbox.app.journal), sandbox.clock.now() - datetime.now(UTC)


FETCHES = """
const done = arguments[0], url = %r, read = [];
const ask = async (path, options) => {
  try {
    const answer = await fetch(url + path, options);
    read.push(answer.type === "opaque" ? "opaque" : await answer.text());
  } catch { read.push("refused"); }
};
(async () => {
  for (const mode of ["cors", "no-cors"]) {
    for (const credentials of ["include", "omit"]) {
      await ask("/", {mode, credentials});
      await ask("/ca/requests?rows", {mode, credentials});
      await ask("/_sandbox/credentials", {mode, credentials});
      await ask("/_sandbox/credentials", {mode, credentials, method: "POST", body: '{"kind": "company"}'});
      await ask("/_sandbox/clock", {mode, credentials, method: "POST", body: '{"hours": 24}'});
      await ask("/_sandbox/faults", {mode, credentials, method: "POST", body: '{"kind": "reset"}'});
      await ask("/ca/clock", {mode, credentials, method: "POST", body: new URLSearchParams({hours: 24, token: "x"})});
      await ask("/v3/me", {mode, credentials, headers: mode === "cors" ? {"X-API-Key": %r} : {}});
    }
  }
  done(read);
})();
"""


@pytest.mark.parametrize("area", [True], indirect=True)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "evil.test"])  # the last is this machine for the browser
class TestAPageOfSomebodyElse:
    def test_its_scripts_read_and_change_nothing(self, area: Area, elsewhere: ThreadingHTTPServer, host: str) -> None:
        before = all_state(area.sandbox)
        area.browser.driver.get(f"http://{host}:{elsewhere.server_port}/")
        key = area.sandbox.provisioning.api_key.reveal()
        read = area.browser.driver.execute_async_script(FETCHES % (area.url, key))
        assert set(read) <= {"opaque", "refused"}
        assert len(read) == 32
        same_state(area.sandbox, before)
        area.browser.console()

    @pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
    @pytest.mark.parametrize("path", ["/ca/clock", "/ca/new", "/_sandbox/clock", "/_sandbox/faults"])
    def test_its_forms_change_nothing(
        self, area: Area, elsewhere: ThreadingHTTPServer, host: str, path: str, kind: str
    ) -> None:
        before = all_state(area.sandbox)
        Elsewhere.page = FORM.format(url=area.url, path=path, kind=kind)
        area.browser.driver.get(f"http://{host}:{elsewhere.server_port}/")
        WebDriverWait(area.browser.driver, 10, 0.02).until(lambda driver: driver.current_url.startswith(area.url))
        same_state(area.sandbox, before)
        area.browser.console()

    def test_it_can_neither_frame_nor_load_a_page(self, area: Area, elsewhere: ThreadingHTTPServer, host: str) -> None:
        Elsewhere.page = (
            f"<iframe src='{area.url}/'></iframe><script src='{area.url}/ca/static/page.js'></script>"
            f"<script src='{area.url}/ca/requests?rows'></script><img src='{area.url}/'>"
        )
        area.browser.driver.get(f"http://{host}:{elsewhere.server_port}/")
        area.browser.driver.switch_to.frame(0)
        assert "Configure" not in area.browser.driver.page_source
        assert "API credentials" not in area.browser.driver.page_source
        area.browser.driver.switch_to.default_content()
        refused = {each["message"].split(" ")[0] for each in area.browser.console() if "403" in each["message"]}
        assert refused == {f"{area.url}{path}" for path in ("/", "/ca/static/page.js", "/ca/requests?rows")}


def same_state(sandbox: Sandbox, before: object) -> None:
    *held, moved = all_state(sandbox)  # type: ignore[misc]
    *earlier, was_moved = before  # type: ignore[misc]
    assert held[:2] == earlier[:2]
    assert abs((moved - was_moved).total_seconds()) < 60


@pytest.mark.parametrize("area", [True], indirect=True)
def test_another_name_of_this_machine_is_not_answered(area: Area) -> None:
    """A name that somebody else's DNS gives to 127.0.0.1 makes their page one of the same origin."""
    port = area.url.rpartition(":")[2]
    for path in ("/", "/_sandbox/credentials", "/ca/requests?rows"):
        area.browser.driver.get(f"http://evil.test:{port}{path}")
        assert "TestCompany" not in area.browser.driver.page_source
    assert "421" in "".join(each["message"] for each in area.browser.console())
