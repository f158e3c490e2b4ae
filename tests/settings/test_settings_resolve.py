"""Settings: precedence, and errors that name the source and say what to write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_adyen_creds.errors import AdyenCredsError, EndpointRefused, SettingsError
from pytest_adyen_creds.options import OPTIONS
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.settings import Settings, resolve


def test_nothing_given_gives_the_defaults():
    assert resolve({}, {}, {}) == Settings()


def test_what_pytest_hands_over_for_options_not_given_counts_as_not_given():
    options = {option.dest: False if option.kind == "flag" else None for option in OPTIONS if option.dest}
    ini = {option.ini: "" for option in OPTIONS if option.ini}
    assert resolve(options, ini, {"ADYEN_BASE_URL": ""}) == Settings()


def test_the_command_line_wins_over_ini_over_environment():
    options, ini = {"adyen_api_version": "v1"}, {"adyen_api_version": "v3"}
    environ = {"ADYEN_API_VERSION": "v9"}
    assert resolve(options, ini, environ).api_version == "v1"
    assert resolve({}, ini, environ).api_version == "v3"
    with pytest.raises(SettingsError, match=r"environment ADYEN_API_VERSION: 'v9' is wrong; write one of v3, v1"):
        resolve({}, {}, environ)


def test_the_version_and_the_base_url_follow_each_other():
    assert resolve({"adyen_api_version": "v1"}, {}, {}).base_url == "https://management-test.adyen.com/v1"
    assert resolve({"adyen_base_url": "http://127.0.0.1:8080/v1"}, {}, {}).api_version == "v1"
    with pytest.raises(SettingsError, match="option --adyen-base-url ends in /v1 but environment ADYEN_API_VERSION"):
        resolve({"adyen_base_url": "http://127.0.0.1:8080/v1"}, {}, {"ADYEN_API_VERSION": "v3"})


def test_live_is_short_for_the_live_backend():
    assert resolve({"adyen_live": True}, {}, {}).backend == "live"
    assert resolve({"adyen_live": True}, {"adyen_backend": "sandbox"}, {}).backend == "live"
    assert resolve({"adyen_backend": "sandbox"}, {"adyen_live": "true"}, {}).backend == "sandbox"
    assert resolve({}, {"adyen_live": "false", "adyen_backend": "replay"}, {}).backend == "replay"
    with pytest.raises(SettingsError, match="option --adyen-live and option --adyen-backend=sandbox disagree"):
        resolve({"adyen_live": True, "adyen_backend": "sandbox"}, {}, {})


def test_replay_cannot_record():
    with pytest.raises(SettingsError, match="option --adyen-record=all needs a backend that answers"):
        resolve({"adyen_record": "all", "adyen_backend": "replay"}, {}, {})


def test_paths_of_the_ini_file_are_relative_to_its_root(tmp_path):
    (tmp_path / "api" / "contracts").mkdir(parents=True)
    settings = resolve(
        {"adyen_report": ["a.html", "b.json"]},
        {"adyen_contracts": "api/contracts", "adyen_drift_baseline": "drift.toml"},
        {},
        root=tmp_path,
    )
    assert settings.contracts == tmp_path / "api" / "contracts"
    assert settings.drift_baseline == tmp_path / "drift.toml"
    assert settings.reports == (Path("a.html"), Path("b.json"))


@pytest.mark.parametrize(
    ("options", "ini", "environ", "message"),
    [
        ({"adyen_backend": "prod"}, {}, {}, "option --adyen-backend: 'prod' is wrong; write one of auto, replay"),
        ({}, {"adyen_record": "some"}, {}, "ini adyen_record: 'some' is wrong; write one of none, missing, all"),
        ({"adyen_max_created": "-1"}, {}, {}, "option --adyen-max-created: '-1' is wrong; write a whole number"),
        ({"adyen_max_created": "٣"}, {}, {}, "option --adyen-max-created"),
        ({}, {"adyen_max_created": "five"}, {}, "ini adyen_max_created"),
        ({}, {"adyen_ready_timeout": "0"}, {}, "ini adyen_ready_timeout: '0' is wrong; write a number over 0"),
        ({}, {"adyen_ready_timeout": "nan"}, {}, "ini adyen_ready_timeout"),
        ({}, {"adyen_cassette_max_age": "30 days"}, {}, "ini adyen_cassette_max_age"),
        ({}, {"adyen_contracts": "nodir"}, {}, "ini adyen_contracts: nodir is no folder; write a folder of contracts"),
        ({}, {"adyen_cassettes": "nodir"}, {}, "ini adyen_cassettes: nodir is no folder; .*--adyen-record=all"),
        ({}, {"adyen_live": "perhaps"}, {}, "ini adyen_live: 'perhaps' is wrong; write true or false"),
        ({}, {}, {"ADYEN_COMPANY_ACCOUNT": "../me"}, "environment ADYEN_COMPANY_ACCOUNT: '../me' is wrong"),
        ({}, {"adyen_merchant_account": "a/b"}, {}, "ini adyen_merchant_account: 'a/b' is wrong"),
        ({"adyen_base_url": "http://127.0.0.1:80"}, {}, {}, "option --adyen-base-url: .* ends in /v1 or /v3"),
        ({"adyen_base_url": "http://127.0.0.1:80/v3/"}, {}, {}, "option --adyen-base-url: .* ends in /v1 or /v3"),
        ({"adyen_base_url": "http://127.0.0.1/v3?/v3"}, {}, {}, "option --adyen-base-url: .* ends in /v1 or /v3"),
        (
            {},
            {},
            {"ADYEN_BASE_URL": "https://example.com/v3"},
            "environment ADYEN_BASE_URL: .*neither a known test host",
        ),
    ],
)
def test_a_wrong_value_is_an_error_that_names_its_source(options, ini, environ, message):
    with pytest.raises(AdyenCredsError, match=message):
        resolve(options, ini, environ)


def test_a_folder_of_cassettes_may_be_new_where_it_is_recorded(tmp_path):
    settings = resolve({"adyen_record": "all"}, {"adyen_cassettes": "new"}, {}, root=tmp_path)
    assert settings.cassettes == tmp_path / "new"


@pytest.mark.parametrize(
    ("options", "ini", "environ", "where"),
    [
        ({"adyen_base_url": "live_ABCDEF123"}, {}, {}, "option adyen_base_url"),
        ({}, {"adyen_company_account": "live_ABCDEF123"}, {}, "ini adyen_company_account"),
        ({}, {}, {"ADYEN_CLIENT_KEY": "live_ABCDEF123"}, "environment ADYEN_CLIENT_KEY"),
        ({}, {}, {"ADYEN_MANAGEMENT_API_KEY": " live_ABCDEF123"}, "environment ADYEN_MANAGEMENT_API_KEY"),
    ],
)
def test_a_live_client_key_stops_the_run_wherever_it_is_found(options, ini, environ, where):
    with pytest.raises(SettingsError, match=where) as caught:
        resolve(options, ini, environ)
    assert "live_ABCDEF123" not in str(caught.value)


class TestKey:
    def test_from_the_environment(self):
        settings = resolve({}, {}, {"ADYEN_MANAGEMENT_API_KEY": "AQE-from-environ"})
        assert settings.api_key.reveal() == "AQE-from-environ"
        assert "AQE-from-environ" not in repr(settings)

    def test_from_a_file(self, tmp_path):
        (tmp_path / "key").write_text("AQE-from-a-file\n")
        environ = {"ADYEN_MANAGEMENT_API_KEY_FILE": str(tmp_path / "key")}
        assert resolve({"adyen_live": True}, {}, environ).api_key.reveal() == "AQE-from-a-file"
        assert resolve({}, {}, environ).api_key.reveal() == "AQE-from-a-file"

    def test_a_bad_key_file_is_no_reason_to_stop_an_offline_run(self, tmp_path):
        environ = {"ADYEN_MANAGEMENT_API_KEY_FILE": str(tmp_path / "missing")}
        assert resolve({}, {}, environ).backend == "auto"
        with pytest.raises(SettingsError, match=r"environment ADYEN_MANAGEMENT_API_KEY_FILE: .*does not exist"):
            resolve({"adyen_live": True}, {}, environ)

    def test_a_live_client_key_in_the_file_stops_the_run(self, tmp_path):
        (tmp_path / "key").write_text("live_ABCDEFGH\n")
        with pytest.raises(SettingsError, match="live environment"):
            resolve({"adyen_live": True}, {}, {"ADYEN_MANAGEMENT_API_KEY_FILE": str(tmp_path / "key")})

    def test_two_places_are_one_too_many(self, tmp_path):
        environ = {"ADYEN_MANAGEMENT_API_KEY": "AQE-one", "ADYEN_MANAGEMENT_API_KEY_FILE": str(tmp_path)}
        with pytest.raises(SettingsError, match="both set"):
            resolve({"adyen_live": True}, {}, environ)

    @pytest.mark.parametrize("key", ["two words", "line\nend", "ключ-ключ", "a\0bcdefgh"])
    def test_what_cannot_be_a_key_is_said_without_showing_it(self, key):
        with pytest.raises(SettingsError, match="does not hold an API key") as caught:
            resolve({"adyen_live": True}, {}, {"ADYEN_MANAGEMENT_API_KEY": key})
        assert key not in str(caught.value)
        assert SECRETS.mask(key) != key

    def test_missing_is_an_error_only_where_live_is_used(self):
        settings = resolve({"adyen_live": True}, {}, {})
        with pytest.raises(SettingsError, match="set ADYEN_MANAGEMENT_API_KEY"):
            settings.require_live()
        keyed = resolve({"adyen_live": True}, {}, {"ADYEN_MANAGEMENT_API_KEY": "AQE-some-key"})
        with pytest.raises(SettingsError, match="set ADYEN_COMPANY_ACCOUNT"):
            keyed.require_live()
        with pytest.raises(SettingsError, match="set ADYEN_MERCHANT_ACCOUNT"):
            keyed.require_live("merchant")

    def test_complete_settings_give_key_and_account(self):
        environ = {"ADYEN_MANAGEMENT_API_KEY": "AQE-some-key", "ADYEN_COMPANY_ACCOUNT": "TestCompany"}
        key, company = resolve({"adyen_live": True}, {}, environ).require_live()
        assert (key.reveal(), company) == ("AQE-some-key", "TestCompany")


def test_a_refused_base_url_is_an_endpoint_error_without_its_password():
    with pytest.raises(EndpointRefused, match="option --adyen-base-url") as caught:
        resolve({"adyen_base_url": "https://ws:Sesame99@management-test.adyen.com/v3"}, {}, {})
    assert "Sesame99" not in str(caught.value)


def test_every_option_has_an_ini_twin_and_a_field():
    for option in OPTIONS:
        assert option.ini
        assert option.field == "live" or option.field in Settings.__dataclass_fields__
        if option.flag and option.field not in ("run_contracts",):
            assert option.ini == option.dest


def test_importing_the_settings_brings_neither_httpx_nor_yaml():
    code = (
        "import sys, pytest_adyen_creds.settings as s; s.resolve({}, {}, {}); "
        "print({'httpx', 'yaml'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"
