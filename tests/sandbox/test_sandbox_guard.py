"""The guard: what web pages in the same browser could ask is refused, and what programs ask is not."""

from __future__ import annotations

import http.client
import socket

import httpx
import pytest

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.faults import FaultKind
from pytest_adyen_creds.sandbox.guard import Guard
from pytest_adyen_creds.sandbox.server import Server


def raw(port: int, *lines: str, target: str = "/v3/me", method: str = "GET") -> tuple[int, str]:
    """Send a request with exactly these header lines; return the answer's status and its body."""
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head.encode("latin-1"))
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        return answer.status, answer.read().decode()


@pytest.fixture(scope="module")
def port():
    with Sandbox().serve() as server:
        yield server.port


OWN = ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:80", "[::1]:8080", "[::1]", "shop.localhost:9", "192.0.2.7"]
FOREIGN = [
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example",
    "evil.example:8080",
    "evillocalhost",
    "sandbox",
    "user@localhost",
    "localhost@evil.example",
    "localhost:80:80",
    "localhost:",
    "localhost/",
    "localhost evil",
    "127.1",
    "0x7f.0.0.1",
    "2130706433",
    "::1",
    "[::1",
    "[localhost]",
    "[127.0.0.1]",
    "[fe80::1%25eth0]",
    "",
    "localhost\xe9",
]


@pytest.mark.parametrize("host", OWN)
def test_the_hosts_of_this_machine_are_taken(port, host):
    assert raw(port, f"Host: {host}")[0] == 401


@pytest.mark.parametrize("host", FOREIGN)
def test_any_other_host_is_421_and_says_what_to_do(port, host):
    status, said = raw(port, f"Host: {host}")
    assert (status, "--allowed-host NAME" in said) == (421, True)


def test_no_host_and_two_hosts_are_421(port):
    assert raw(port)[0] == 421
    assert raw(port, "Host: localhost", "Host: evil.example")[0] == 421
    assert raw(port, "Host: evil.example", "Host: localhost")[0] == 421
    assert raw(port, "Host: localhost", target="http://evil.example/v3/me")[0] == 421


def test_hosts_that_are_allowed_are_taken_and_no_others():
    with Server(Sandbox().app, allowed_hosts=["Sandbox.Example"]) as server:
        assert raw(server.port, "Host: sandbox.example:8080")[0] == 401
        assert raw(server.port, "Host: SANDBOX.EXAMPLE")[0] == 401
        assert raw(server.port, "Host: a.sandbox.example")[0] == 421
        assert raw(server.port, "Host: sandbox")[0] == 421


def test_beyond_loopback_names_without_dots_are_taken_too():
    with Server(Sandbox().app, host="0.0.0.0") as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert raw(server.port, "Host: adyen-sandbox:8080")[0] == 401
        assert raw(server.port, "Host: adyen.evil.example:8080")[0] == 421


@pytest.mark.parametrize(
    "name", ["", "a b", "evil.example:80", "*", "*.example", "a/b", "[::1]", ".", "a@b", "ä.example"]
)
def test_an_allowed_host_is_a_name(name):
    with pytest.raises(SandboxError, match="give one like sandbox"):
        Guard(Sandbox().app, [name])


@pytest.mark.parametrize(
    "origin",
    ["null", "http://evil.example", "https://localhost:8080", "http://localhost", "http://localhost:8080.evil", ""],
)
def test_another_origin_is_403(port, origin):
    assert raw(port, "Host: localhost:8080", f"Origin: {origin}")[0] == 403


def test_its_own_origin_is_taken(port):
    assert raw(port, "Host: localhost:8080", "Origin: http://LOCALHOST:8080")[0] == 401
    both = "Origin: http://localhost:8080", "Origin: http://evil.example"
    assert raw(port, "Host: localhost:8080", *both)[0] == 403


NAVIGATES = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "else"])
def test_another_site_is_403_but_for_a_link_that_is_followed(port, site):
    def ask(*lines: str, target: str = "/", method: str = "GET") -> int:
        return raw(port, "Host: localhost", f"Sec-Fetch-Site: {site}", *lines, target=target, method=method)[0]

    assert ask() == 403
    assert ask(*NAVIGATES) == 404  # the sandbox's own answer
    assert ask(*NAVIGATES, target="/?next=/v3/me") == 404
    assert ask(*NAVIGATES, method="POST") == 403
    assert ask(*NAVIGATES, method="HEAD") == 403
    assert ask(NAVIGATES[0], "Sec-Fetch-Dest: iframe") == 403
    assert ask("Sec-Fetch-Mode: no-cors", NAVIGATES[1]) == 403
    for target in ("/v3/me", "/v1", "/V1/me", "/%763/me", "/bcl/v2/x", "/_sandbox", "/_sandbox/", "//_sandbox/clock"):
        assert ask(*NAVIGATES, target=target) == 403, target


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_the_user_and_the_servers_own_pages_are_taken(port, site):
    assert raw(port, "Host: localhost", f"Sec-Fetch-Site: {site}")[0] == 401


def test_what_is_refused_reaches_nothing():
    sandbox = Sandbox()
    fault = sandbox.faults.add(FaultKind.RESET, times=None)
    credentials = sandbox.customer_area.credentials()
    with sandbox.serve() as server:
        for bad in ({"Host": "evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            signed = {"X-API-Key": sandbox.provisioning.api_key.reveal(), **bad}
            for path in ("/v3/companies/TestCompany/apiCredentials", "/_sandbox/customer-area/company-users"):
                assert httpx.post(server.url + path, headers=signed, json={}).status_code in (403, 421)
            assert httpx.delete(f"{server.url}/_sandbox/faults", headers=signed).status_code in (403, 421)
    assert len(sandbox.app.journal) == 0
    assert sandbox.faults.struck(fault.id) == 0
    assert sandbox.customer_area.credentials() == credentials


def test_a_host_that_cannot_be_listened_at_is_refused_with_the_next_step():
    with pytest.raises(SandboxError, match="give an address of this machine"):
        Server(Sandbox().app, host="192.0.2.1")
    with pytest.raises(SandboxError, match="is no address of this machine"):
        Server(Sandbox().app, host="no.such.host.invalid")


def test_it_listens_at_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with Server(Sandbox().app, host="::1") as server:
        assert server.url == f"http://[::1]:{server.port}"
        assert httpx.get(f"{server.url}/v3/me").status_code == 401
