"""The fixtures, as a test suite meets them, with the embedded sandbox."""

from __future__ import annotations

import sys

import pytest

from pytest_adyen_creds.credentials.credential import UserKind
from pytest_adyen_creds.credentials.preprovisioned import NotProvided, from_environment
from pytest_adyen_creds.errors import CredentialError, EndpointRefused


def test_the_ten_lines_pass_without_any_set_up(pytester, ten_lines):
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_everything_a_test_can_ask_for_is_there(pytester):
    pytester.makepyfile(
        """
        import asyncio
        from datetime import timedelta

        import pytest

        def test_clients(adyen_credential, adyen_client, adyen_async_client, adyen_management):
            assert adyen_client.get("/me").json()["id"] == adyen_credential.id
            async def ask():
                return (await adyen_async_client.get("/me")).json()["id"]
            assert asyncio.run(ask()) == adyen_credential.id
            assert asyncio.run(ask()) == adyen_credential.id
            assert adyen_management.me.get()["username"] == "ws@Company.TestCompany"

        @pytest.mark.adyen_credential(preset="read-only", merchants=["TestMerchantEU"])
        def test_preset(adyen_credential, adyen_client):
            body = adyen_client.get("/me").json()
            assert len(body["roles"]) == 9
            assert adyen_credential.merchants == ("TestMerchantEU",)

        @pytest.mark.adyen_credential(level="merchant")
        def test_merchant(adyen_credential):
            assert (adyen_credential.level, adyen_credential.account) == ("merchant", "TestMerchant")

        def test_several(adyen_credentials):
            one, two = adyen_credentials.lease(), adyen_credentials.lease(level="merchant", fresh=True)
            assert one.id != two.id
            adyen_credentials.give_back(one)
            assert adyen_credentials.lease().id == one.id

        def test_rotation(adyen_credential, adyen_client, adyen_sandbox):
            rotated, dies = adyen_credential.rotate_api_key()
            assert dies - adyen_sandbox.clock.now() <= timedelta(hours=24)
            new = {"X-API-Key": rotated.key().reveal()}
            assert adyen_client.get("/me").status_code == adyen_client.get("/me", headers=new).status_code == 200
            adyen_sandbox.clock.advance(hours=24)
            assert adyen_client.get("/me").status_code == 401
            assert adyen_client.get("/me", headers=new).status_code == 200

        def test_after_rotation(adyen_client):
            assert adyen_client.get("/me").status_code == 200

        def test_faults(adyen_sandbox, adyen_credential, adyen_client):
            adyen_sandbox.faults.status(500, times=None)
            assert adyen_client.get("/me").status_code == 500

        def test_faults_have_ended(adyen_credential, adyen_client):
            assert adyen_client.get("/me").status_code == 200

        def test_made_by_hand(adyen_balance_platform_credential, adyen_lem_credential, adyen_sandbox):
            assert adyen_balance_platform_credential.kind == "balance-platform"
            assert adyen_balance_platform_credential.links["self"] == "https://balanceplatform-api-test.adyen.com"
            assert adyen_lem_credential.user.host == "kyc-test.adyen.com"
            assert "Legal Entity Management API" in adyen_sandbox.customer_area.reaches(adyen_lem_credential.id)
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=9)


def test_the_sdk_is_signed_in_and_guarded(pytester):
    pytest.importorskip("Adyen")
    pytester.makepyfile(
        """
        import Adyen
        import pytest

        @pytest.mark.adyen_credential(origins=["https://a.example"])
        def test_sdk(adyen_sdk, adyen_credential):
            me = adyen_sdk.management.my_api_credential_api
            assert me.get_api_credential_details().message["id"] == adyen_credential.id
            assert me.get_allowed_origins().message["data"][0]["domain"] == "https://a.example"
            me.add_allowed_origin({"domain": "https://b.example"})
            with pytest.raises(Adyen.exceptions.AdyenError):
                me.add_allowed_origin({"domain": "nonsense"})
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_without_the_sdk_a_test_is_skipped_and_says_why(pytester, monkeypatch):
    monkeypatch.setitem(sys.modules, "Adyen", None)
    pytester.makepyfile("def test_sdk(adyen_sdk): pass")
    result = pytester.runpytest_inprocess("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*adyen_sdk needs Adyen's SDK: pip install Adyen*"])


def test_the_sandbox_is_configured_by_a_fixture(pytester):
    pytester.makepyfile(
        """
        from datetime import timedelta

        import pytest

        @pytest.fixture(scope="session")
        def adyen_sandbox_config():
            return {"propagation_delay": timedelta(minutes=3), "company": "Mine"}

        @pytest.mark.parametrize("number", range(5))
        def test_no_key_is_too_new(adyen_credential, adyen_client, number):
            assert adyen_credential.account == "Mine"
            assert adyen_client.get("/me").status_code == 200
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=5)


def test_a_wrong_marker_or_role_is_one_line(pytester):
    pytester.makepyfile(
        test_wrong="""
        import pytest

        @pytest.mark.adyen_credential(role=["x"])
        def test_keyword(adyen_credential): pass

        @pytest.mark.adyen_credential(roles=["No such role"])
        def test_role(adyen_credential): pass
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=2)
    for line in (
        "@pytest.mark.adyen_credential: *'role'; did you mean roles?",
        "ws@Company.TestCompany cannot give the role 'No such role', because it does not hold it; nothing was*",
    ):
        result.stdout.fnmatch_lines([line])


def test_replay_says_that_it_has_no_cassette(pytester, ten_lines):
    result = pytester.runpytest_inprocess("--adyen-backend=replay")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no such cassette; record it with --adyen-backend=sandbox --adyen-record=missing*"])


@pytest.mark.slow("several runs of pytest")
@pytest.mark.parametrize(
    "body",
    [
        "assert False",
        "raise RuntimeError",
        "pytest.skip('enough')",
        "pytest.exit('enough')",
        "raise KeyboardInterrupt",
        "signal.signal(signal.SIGALRM, out_of_time); signal.raise_signal(signal.SIGALRM)",
    ],
)
def test_whatever_a_test_does_its_lease_comes_back_reset(pytester, body):
    pytester.makeconftest(LOOK_AT_THE_END)
    pytester.makepyfile(
        f"""
        import signal
        import pytest

        def out_of_time(*_):
            raise TimeoutError("over")

        @pytest.mark.adyen_credential(roles=["Management API - Stores read"], origins=["https://a.example"])
        def test_it(adyen_credential, adyen_client):
            {body}
        """
    )
    result = (pytester.runpytest_subprocess if "Interrupt" in body else pytester.runpytest_inprocess)("-s")
    result.stdout.fnmatch_lines(["*RESET True [[][]] 1 API credentials read and write*"])


@pytest.mark.parametrize(
    "body",
    [
        "area.generate_api_key(name)",
        "area.generate_api_key(name); area.expire_previous_key(name)",
        "adyen_credential.rotate_api_key(); area.generate_api_key(name)",
        "area.generate_password(name)",
        "area.set_allowed_ips(name, ['192.0.2.1'])",
        "area.set_active(name, False)",
        "import httpx; httpx.post(URL + f'/companies/TestCompany/apiCredentials/{name}/generateApiKey', headers=KEY)",
    ],
)
def test_what_a_test_does_by_hand_is_no_later_test_s(pytester, body):
    pytester.makepyfile(
        f"""
        import httpx

        URL = "https://management-test.adyen.com/v3"

        def test_one(adyen_credential, adyen_sandbox):
            area, name = adyen_sandbox.customer_area, adyen_credential.id
            KEY = {{"X-API-Key": adyen_credential.api_key.reveal()}}
            {body}

        def test_another(adyen_credential, adyen_sandbox):
            adyen_sandbox.clock.advance(hours=25)
            signed_in = adyen_credential.username, adyen_credential.password.reveal()
            assert httpx.get(URL + "/me", auth=signed_in).status_code == 200
            assert httpx.get(URL + "/me", headers={{"X-API-Key": adyen_credential.api_key.reveal()}}).status_code == 200
        """
    )
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=2)


def test_a_lease_whose_key_the_plugin_replaced_is_leased_again(pytester):
    pytester.makepyfile(
        """
        ids = set()

        def test_one(adyen_credential):
            ids.add(adyen_credential.id)
            adyen_credential.rotate_api_key()

        def test_another(adyen_credential):
            assert ids == {adyen_credential.id}
        """
    )
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=2)


@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_an_error_around_a_test_returns_the_lease_too(pytester, when):
    pytester.makeconftest(LOOK_AT_THE_END)
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.fixture
        def broken(adyen_credential):
            if "{when}" == "setup":
                raise RuntimeError
            yield
            raise RuntimeError

        @pytest.mark.adyen_credential(roles=["Management API - Stores read"], origins=["https://a.example"])
        def test_it(broken, adyen_credential):
            pass
        """
    )
    result = pytester.runpytest_inprocess("-s")
    result.assert_outcomes(errors=1, passed=int(when == "teardown"))
    result.stdout.fnmatch_lines(["*RESET True [[][]] 1 API credentials read and write*"])


LOOK_AT_THE_END = """
import pytest

@pytest.fixture(scope="session", autouse=True)
def look(adyen_management):
    yield
    for body in adyen_management.company("TestCompany").iterate():
        if body.get("description", "").startswith("pytest-adyen-creds "):
            role = body["roles"][0].removeprefix("Management API - ")
            print("RESET", body["active"], body.get("allowedOrigins", []), len(body["roles"]), role)
"""


BALANCE = {
    "ADYEN_BALANCE_PLATFORM_USERNAME": "ws_1@BalancePlatform.Mine",
    "ADYEN_BALANCE_PLATFORM_API_KEY": "AQEsomething",
}


def test_a_credential_made_by_hand_comes_from_the_environment(tmp_path):
    credential = from_environment(UserKind.BALANCE_PLATFORM, BALANCE)
    assert credential.kind is UserKind.BALANCE_PLATFORM
    assert credential.links["self"] == "https://balanceplatform-api-test.adyen.com"
    assert "AQEsomething" not in repr(credential)
    key = tmp_path / "key"
    key.write_text("AQEfromafile\n")
    lem = {
        "ADYEN_LEM_USERNAME": "ws@Scope.Company_Mine",
        "ADYEN_LEM_API_KEY_FILE": str(key),
        "ADYEN_LEM_BASE_URL": "http://127.0.0.1:8080/lem/v3",
    }
    assert from_environment(UserKind.LEM, lem).key().reveal() == "AQEfromafile"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"ADYEN_BALANCE_PLATFORM_USERNAME": "ws@Company.Mine"}, CredentialError, "the name of a company user"),
        ({"ADYEN_BALANCE_PLATFORM_USERNAME": ""}, CredentialError, "set ADYEN_BALANCE_PLATFORM_USERNAME too"),
        ({"ADYEN_BALANCE_PLATFORM_API_KEY": ""}, CredentialError, "set ADYEN_BALANCE_PLATFORM_API_KEY too"),
        ({"ADYEN_BALANCE_PLATFORM_API_KEY": "live_ABCDEFGH"}, CredentialError, "test environment"),
        ({"ADYEN_BALANCE_PLATFORM_API_KEY_FILE": "/nowhere"}, CredentialError, "unset one of them"),
        ({"ADYEN_BALANCE_PLATFORM_BASE_URL": "https://kyc-test.adyen.com"}, CredentialError, "cannot sign in"),
        ({"ADYEN_BALANCE_PLATFORM_BASE_URL": "https://balanceplatform-api-live.adyen.com"}, EndpointRefused, "refused"),
    ],
)
def test_one_that_cannot_be_right_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        from_environment(UserKind.BALANCE_PLATFORM, BALANCE | change)


def test_none_at_all_says_how_to_have_one():
    with pytest.raises(NotProvided, match="by hand in the Customer Area, and set ADYEN_LEM_USERNAME"):
        from_environment(UserKind.LEM, {})
