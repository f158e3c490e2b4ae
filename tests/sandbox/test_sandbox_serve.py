"""``sandbox serve`` with TLS, at other addresses, and with a state file: processes as people start them."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from plugins import ALONE
from serving import TLS, Serving

pytestmark = pytest.mark.slow("processes of their own: servers")

COMPANY = "companies/TestCompany/apiCredentials"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_folder_goes_when_it_ends_and_no_private_key_was_in_it(tmp_path, number):
    with Serving("--tls", TMPDIR=str(tmp_path)) as served:
        assert list(served.environment)[4:] == list(TLS)
        (folder,) = tmp_path.iterdir()
        assert {path.name for path in folder.iterdir()} == {"api-key", "ca.pem", "ca.p12"}
        assert not any(b"PRIVATE" in path.read_bytes() for path in folder.iterdir())
        trusting = ssl.create_default_context(cafile=served.environment["SSL_CERT_FILE"])
        headers = {"X-API-Key": served.key_file.read_text().strip()}
        assert httpx.get(f"{served.url}/me", headers=headers, verify=trusting).status_code == 200
        assert served.end(number) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_connections_that_are_open_keep_it_from_ending_no_longer(tmp_path):
    with Serving("--tls", TMPDIR=str(tmp_path)) as served:
        url = httpx.URL(served.url)
        with socket.create_connection((url.host, url.port)):
            assert served.end() == (0, "")


def test_without_tls_it_prints_what_it_always_did():
    with Serving() as served:
        assert list(served.environment) == [
            "ADYEN_BASE_URL",
            "ADYEN_COMPANY_ACCOUNT",
            "ADYEN_MERCHANT_ACCOUNT",
            "ADYEN_MANAGEMENT_API_KEY_FILE",
        ]
        assert served.said.count("\n") == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_beyond_loopback_it_says_what_that_means(host):
    if host == "::" and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with Serving("--host", host, "--allowed-host", "sandbox.example") as served:
        assert served.said.startswith(
            f"Whoever reaches {host} can make and read this sandbox's invented credentials: "
            "only in a network of your own.\n"
        )
        port = httpx.URL(served.url).port
        for name, status in (("sandbox.example", 401), ("sandbox", 401), ("evil.example", 421)):
            answer = httpx.get(f"http://127.0.0.1:{port}/v3/me", headers={"Host": f"{name}:{port}"})
            assert answer.status_code == status


def test_a_certificate_is_good_for_the_names_that_are_given():
    with Serving("--tls", "--host", "127.0.0.2", "--allowed-host", "sandbox.example") as served:
        port = httpx.URL(served.url).port
        assert served.url.startswith("https://127.0.0.2:")
        trusting = ssl.create_default_context(cafile=served.environment["SSL_CERT_FILE"])
        for name in ("127.0.0.2", "sandbox.example", "localhost"):
            with (
                socket.create_connection(("127.0.0.2", port)) as plain,
                trusting.wrap_socket(plain, server_hostname=name) as secured,
            ):
                assert secured.version()


def test_state_goes_on_after_sigkill_with_the_same_key_file(tmp_path):
    options = "--state", str(tmp_path / "state"), "--api-key-file", str(tmp_path / "key")
    keys = []
    for number in range(3):
        with Serving(*options, TMPDIR=str(tmp_path)) as served:
            headers = {"X-API-Key": served.key_file.read_text().strip()}
            assert httpx.get(f"{served.url}/{COMPANY}", headers=headers).json()["itemsTotal"] == 1 + number
            roles = {"roles": ["Management API - API credentials read and write"]}
            keys.append(httpx.post(f"{served.url}/{COMPANY}", headers=headers, json=roles).json()["apiKey"])
            for key in keys:
                assert httpx.get(f"{served.url}/me", headers={"X-API-Key": key}).status_code == 200
            served.end(signal.SIGKILL)
    found = b"".join(path.read_bytes() for path in tmp_path.glob("state*"))
    assert not any(key.encode() in found for key in keys)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "no.such.host.invalid"], "is no address of this machine"),
        (["--host", "192.0.2.1"], "give an address of this machine"),
        (["--allowed-host", "a b"], "give one like sandbox.example"),
        (["--allowed-host", "evil.example:80"], "give one like sandbox.example"),
        (["--tls", "--allowed-host", "a..b"], "give names of hosts"),
        (["--state", "{tmp}"], "is a directory; name a file in it"),
        (["--state", "{tmp}/junk"], "is no state file of a sandbox"),
        (["--state", "{tmp}/no/such/folder"], "name a file in a writable folder"),
    ],
)
def test_what_cannot_be_served_is_2_and_one_line(tmp_path, arguments, said):
    (tmp_path / "junk").write_bytes(b"junk")
    command = [sys.executable, "-m", "pytest_adyen_creds.cli", "sandbox", "serve"]
    command += [argument.replace("{tmp}", str(tmp_path)) for argument in arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert said in done.stderr
    assert (tmp_path / "junk").read_bytes() == b"junk"


LIVE = """
import httpx
import requests

ROLE = "Management API - API credentials read and write"


def test_leased(adyen_credential, adyen_client):
    assert adyen_client.get("/me").json()["id"] == adyen_credential.id
    key = {"X-API-Key": adyen_credential.api_key.reveal()}
    assert httpx.get("https://management-test.adyen.com/v3/me", headers=key).status_code == 200
    assert requests.get("https://management-test.adyen.com/v3/me", headers=key).status_code == 200


def test_rotated(adyen_credential):
    assert adyen_credential.rotate_api_key().credential.api_key != adyen_credential.api_key


def test_another_process(adyen_settings, adyen_credential):
    key = {"X-API-Key": adyen_credential.api_key.reveal()}
    assert httpx.get(adyen_settings.base_url + "/me", headers=key).json()["id"] == adyen_credential.id
"""


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_a_live_run_reaches_it_by_tls(tmp_path, version):
    (tmp_path / "test_live.py").write_text(LIVE)
    with Serving("--tls", "--api-version", version) as served:
        for variables, status in ((served.environment, 0), ({**served.environment, "SSL_CERT_FILE": ""}, 1)):
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "--adyen-live", f"--adyen-api-version={version}", "."],
                cwd=tmp_path,
                env=os.environ
                | {"PYTEST_ADDOPTS": ALONE, "XDG_STATE_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
                | variables,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            assert (done.returncode == 0) is (status == 0), done.stdout + done.stderr
        assert served.key_file.read_text().strip() not in done.stdout + done.stderr
        key = {"X-API-Key": served.key_file.read_text().strip()}
        trusting = ssl.create_default_context(cafile=served.environment["SSL_CERT_FILE"])
        listed = httpx.get(f"{served.url}/{COMPANY}", headers=key, verify=trusting).json()["data"]
        assert [each["active"] for each in listed] == [True] + [False] * (len(listed) - 1)
        assert len(listed) > 1


def test_faults_reset_connections_of_another_process_by_tls():
    with Serving("--tls") as served:
        trusting = ssl.create_default_context(cafile=served.environment["SSL_CERT_FILE"])
        root = served.url.removesuffix("/v3")
        with httpx.Client(verify=trusting) as client:
            assert client.post(f"{root}/_sandbox/faults", json={"kind": "reset"}).status_code == 200
            with pytest.raises(httpx.ReadError):
                client.get(f"{served.url}/me")
            assert client.get(f"{served.url}/me").status_code == 401
        assert served.end() == (0, "")


def test_no_secret_is_printed(tmp_path):
    with Serving("--tls", "--state", str(tmp_path / "state")) as served:
        trusting = ssl.create_default_context(cafile=served.environment["SSL_CERT_FILE"])
        key = served.key_file.read_text().strip()
        with httpx.Client(verify=trusting, headers={"X-API-Key": key}) as client:
            made = client.post(f"{served.url}/{COMPANY}").json()
            for headers in (
                {"Host": "evil.example"},
                {"Origin": f"http://{key[:20]}"},
                {"Sec-Fetch-Site": "cross-site"},
            ):
                assert client.get(f"{served.url}/me?{key}", headers=headers).status_code in (403, 421)
        found = b"".join(path.read_bytes() for path in tmp_path.glob("state*"))
        status, said = served.end()
        printed = str(served.environment) + served.said + said
    assert status == 0
    for secret in (key, made["apiKey"], made["password"]):
        assert secret not in printed
        assert secret.encode() not in found
        assert secret.encode() not in Path(tmp_path / "state").read_bytes()
