"""TLS: whoever trusts the sandbox's authority reaches it as by plain HTTP; whoever is silent holds up nobody."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.faults import FaultKind
from pytest_adyen_creds.sandbox.server import Server
from pytest_adyen_creds.sandbox.tls import Certificate, make_certificate

pytest.importorskip("trustme")


BEFORE_3_12 = (httpx.RemoteProtocolError,) if sys.version_info < (3, 12) else ()
"""What httpx makes of a reset where Python's ssl says that the connection ended."""


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return make_certificate(["sandbox.example", "192.0.2.7"])


@pytest.fixture
def trusting(certificate: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=certificate.authority.decode())


@pytest.fixture
def server(sandbox: Sandbox, certificate: Certificate) -> Iterator[Server]:
    with Server(sandbox.app, tls=certificate.context, request_timeout=30) as server:
        yield server


def me(sandbox: Sandbox, url: str, trusting: ssl.SSLContext) -> httpx.Response:
    return httpx.get(f"{url}/v3/me", headers={"X-API-Key": sandbox.provisioning.api_key.reveal()}, verify=trusting)


def test_links_name_what_was_called(sandbox, server, trusting):
    assert server.url == f"https://127.0.0.1:{server.port}"
    for host in ("127.0.0.1", "localhost"):
        answer = me(sandbox, f"https://{host}:{server.port}", trusting)
        assert answer.json()["_links"]["self"]["href"] == f"https://{host}:{server.port}/v3/me"


def test_its_own_origin_is_https(server, trusting):
    def ask(origin: str) -> int:
        return httpx.get(f"{server.url}/v3/me", headers={"Origin": origin}, verify=trusting).status_code

    assert ask(server.url) == 401
    assert ask(server.url.replace("https", "http")) == 403


def test_whoever_does_not_trust_it_is_told(server):
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(server.url, verify=ssl.create_default_context())


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "sandbox.example", "192.0.2.7"])
def test_the_certificate_is_good_for(server, trusting, name):
    with (
        socket.create_connection(("127.0.0.1", server.port)) as plain,
        trusting.wrap_socket(plain, server_hostname=name) as secured,
    ):
        assert secured.version() in ("TLSv1.2", "TLSv1.3")


def test_the_certificate_is_good_for_no_other(server, trusting):
    with (
        socket.create_connection(("127.0.0.1", server.port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"),
    ):
        trusting.wrap_socket(plain, server_hostname="evil.example")


def test_connections_that_never_shake_hands_hold_up_nobody(sandbox, server, trusting):
    with ExitStack() as open_ones:
        for _ in range(20):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", server.port)))  # silent
            begun = open_ones.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            begun.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        assert me(sandbox, server.url, trusting).status_code == 200


def test_a_handshake_that_does_not_end_is_given_up(sandbox, certificate, trusting, capfd):
    with Server(sandbox.app, tls=certificate.context, request_timeout=0.2) as server:
        for begun in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
                connection.sendall(begun)
                assert connection.recv(1) == b""
        assert me(sandbox, server.url, trusting).status_code == 200
    assert capfd.readouterr() == ("", "")


def test_a_request_that_does_not_end_is_given_up(sandbox, certificate, trusting):
    with (
        Server(sandbox.app, tls=certificate.context, request_timeout=0.2) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        secured.sendall(b"POST /v3/me/allowedOrigins HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
        while secured.recv(4096):  # whatever it says, it says it soon and hangs up
            pass


@pytest.mark.parametrize("sent", [b"GET /v3/me HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST / HTTP/1.1\r\n"])
def test_plain_http_is_answered_with_what_to_do(server, sent, capfd):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"write https://" in answer
    assert httpx.get(f"http://127.0.0.1:{server.port}/v3/me").status_code == 400
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("sent", [b"\x00" * 64, b"\x16\x03\x01\xff\xff" + b"\xff" * 64, b"\x80\x2e\x01\x00\x02"])
def test_what_is_no_handshake_ends_the_connection_and_nothing_else(sandbox, server, trusting, sent, capfd):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    with connection, suppress(OSError):  # it may be gone by now
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    assert me(sandbox, server.url, trusting).status_code == 200
    assert capfd.readouterr() == ("", "")


def test_the_connection_ends_in_order(server, trusting):
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as secured,
    ):
        secured.sendall(b"GET /v3/me HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b"".join(iter(lambda: secured.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.RESET, httpx.ReadError),
        (FaultKind.LOST_ANSWER, httpx.ReadError),
        (FaultKind.TRUNCATED, httpx.ReadError),
        (FaultKind.TIMEOUT, httpx.ReadTimeout),
    ],
)
def test_faults_end_connections_as_they_do_without_tls(sandbox, server, trusting, kind, error):
    sandbox.faults.add(kind)
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    with httpx.Client(verify=trusting, headers=headers) as client, pytest.raises((error, *BEFORE_3_12)) as raised:
        client.get(f"{server.url}/v3/me", timeout=httpx.Timeout(20, read=0.2 if kind is FaultKind.TIMEOUT else 20))
    if kind is not FaultKind.TIMEOUT and not BEFORE_3_12:
        assert "reset" in str(raised.value).lower()
    assert me(sandbox, server.url, trusting).status_code == 200


def test_bodies_over_the_limit_are_refused_and_the_answer_arrives(sandbox, server, trusting):
    signed = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    url = f"{server.url}/v3/companies/TestCompany/apiCredentials"
    assert httpx.post(url, content=b" " * 5_000_000, headers=signed, verify=trusting).status_code == 400


def test_no_private_key_stays_on_the_disk(tmp_path, monkeypatch):
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    made = make_certificate([])
    assert list(folder.iterdir()) == []
    made.write(folder)
    assert {path.name for path in folder.iterdir()} == {"ca.pem", "ca.p12"}
    assert b"PRIVATE" not in (folder / "ca.pem").read_bytes()


def test_a_host_that_no_certificate_can_name_is_refused():
    with pytest.raises(SandboxError, match="give names of hosts"):
        make_certificate(["a..b"])


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(SandboxError, match=r"pip install 'pytest-adyen-creds\[server\]'"):
        make_certificate([])


JAVA = """
import java.net.*;

public class Ask {
    public static void main(String[] arguments) throws Exception {
        var connection = (HttpURLConnection) URI.create(arguments[0]).toURL().openConnection();
        System.out.println(connection.getResponseCode());
    }
}
"""
ASKING = {
    "python": [sys.executable, "-c", "import sys, urllib.request as u; u.urlopen(sys.argv[1])"],
    "requests": [sys.executable, "-c", "import sys, requests; print(requests.get(sys.argv[1]).status_code)"],
    "node": ["node", "-e", "require('https').get(process.argv[1], (a) => console.log(a.statusCode))"],
    "curl": ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}"],
    "openssl": ["openssl", "s_client", "-verify_return_error", "-brief", "-connect"],
    "java": ["java", "Ask.java"],
}


@pytest.mark.slow("processes of their own: other languages")
@pytest.mark.parametrize("language", ASKING)
def test_each_language_trusts_it_by_the_variables_that_are_printed(language, server, certificate, tmp_path):
    command = ASKING[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not on this machine")
    environment = certificate.write(tmp_path)
    (tmp_path / "Ask.java").write_text(JAVA)
    url = f"127.0.0.1:{server.port}" if language == "openssl" else f"{server.url}/_sandbox/"
    options = environment["JAVA_TOOL_OPTIONS"].split('" "')
    assert all("=" in option for option in options)
    for variables, is_trusted in ((environment, True), ({}, False)):
        done = subprocess.run(
            [*command, url],
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(tmp_path), **variables},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode == 0) is is_trusted, done.stdout + done.stderr


def test_many_threads_over_tls_see_no_failure(sandbox, server, trusting):
    seen: list[int] = []
    threads = [
        threading.Thread(target=lambda: seen.append(me(sandbox, server.url, trusting).status_code)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [200] * 16


def test_files_go_where_they_can_be_written(certificate):
    with pytest.raises(Exception, match="set TMPDIR to a folder"):
        certificate.write(Path("/no/such/folder"))
