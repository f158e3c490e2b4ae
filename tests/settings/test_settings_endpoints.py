"""The endpoint guard: hostile URLs are refused before a byte is sent; test hosts and loopback pass."""
# ruff: noqa: RUF001

from __future__ import annotations

import socket
import threading

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_adyen_creds.client import GuardedTransport, ManagementClient, Ownership
from pytest_adyen_creds.endpoints import TEST_HOSTS, check_endpoint, check_parsed, is_loopback, is_this_machine
from pytest_adyen_creds.errors import AdyenCredsError, EndpointRefused

T = "management-test.adyen.com"

HOSTILE = [
    # user info
    f"https://user@{T}/v3",
    f"https://user:password@{T}/v3",
    f"https://:@{T}/v3",
    f"https://@{T}/v3",
    f"https://{T}@evil.example/v3",
    f"https://{T}:443@evil.example/v3",
    f"https://{T}%40evil.example/v3",
    f"https://evil.example@{T}/v3",
    f"https://evil.example%2f@{T}/v3",
    "http://127.0.0.1@evil.example/v3",
    "http://localhost:80@evil.example/v3",
    "http://user@127.0.0.1:8080/v3",
    f"https://a@b@{T}/v3",
    # look-alike hosts
    "https://management-test.adyen.co/v3",
    "https://management-test.adyen.com.evil.example/v3",
    "https://management-test-adyen.com/v3",
    "https://management-test.adyen.org/v3",
    "https://evil-management-test.adyen.com/v3",
    "https://evil.management-test.adyen.com/v3",
    "https://xmanagement-test.adyen.com/v3",
    "https://management-test.adyen.comx/v3",
    "https://managementtest.adyen.com/v3",
    "https://management_test.adyen.com/v3",
    "https://management-test.adyenn.com/v3",
    "https://management-test.aclyen.com/v3",
    "https://adyen.com/v3",
    "https://www.adyen.com/v3",
    "https://test.adyen.com/v3",
    "https://evil-test.adyen.com/v3",
    "https://docs.adyen.com/v3",
    "https://localhost.evil.example/v3",
    "https://127.0.0.1.evil.example/v3",
    "http://localhost.localdomain/v3",
    "http://notlocalhost/v3",
    "http://127.0.0.1.nip.io/v3",
    "http://localtest.me/v3",
    # dots
    f"https://{T}./v3",
    f"https://{T}../v3",
    f"https://.{T}/v3",
    "https://management-test..adyen.com/v3",
    "http://localhost./v3",
    "http://127.0.0.1./v3",
    # ports
    f"https://{T}:443/v3",
    f"https://{T}:80/v3",
    f"https://{T}:8443/v3",
    f"https://{T}:0/v3",
    f"https://{T}:/v3",
    f"https://{T}:65536/v3",
    f"https://{T}:0443/v3",
    f"https://{T}:-1/v3",
    f"https://{T}:4 43/v3",
    f"https://{T}:443x/v3",
    "http://127.0.0.1:0/v3",
    "http://127.0.0.1:65536/v3",
    "http://127.0.0.1:99999/v3",
    "http://127.0.0.1:080/v3",
    "http://127.0.0.1:８０80/v3",
    "http://127.0.0.1:80:80/v3",
    "http://[::1]:/v3",
    # IPv6
    "http://[::]/v3",
    "http://[::ffff:127.0.0.1]/v3",
    "http://[::ffff:7f00:1]/v3",
    "http://[::ffff:169.254.169.254]/v3",
    "http://[0:0:0:0:0:0:0:1]/v3",
    "http://[0000::1]/v3",
    "http://[::0001]/v3",
    "http://[::1%25lo]/v3",
    "http://[::1%lo]/v3",
    "http://[fe80::1%25eth0]/v3",
    "http://[fe80::1]/v3",
    "http://[fd00::1]/v3",
    "http://[64:ff9b::7f00:1]/v3",
    "http://[::127.0.0.1]/v3",
    "http://[2002:7f00:1::]/v3",
    "http://[::2]/v3",
    "http://[::1/v3",
    "http://::1/v3",
    "http://[::1]evil.example/v3",
    "http://[::1].evil.example/v3",
    "http://[v1.x]/v3",
    # other spellings of IPv4
    "http://2130706433/v3",
    "http://0x7f000001/v3",
    "http://0x7f.0.0.1/v3",
    "http://017700000001/v3",
    "http://0177.0.0.1/v3",
    "http://127.1/v3",
    "http://127.0.1/v3",
    "http://127/v3",
    "http://127.0.0.01/v3",
    "http://127.0.0.256/v3",
    "http://127.0.0.0.1/v3",
    "http://127.0.0.-1/v3",
    "http://0127.0.0.1/v3",
    # not this machine
    "http://0.0.0.0/v3",
    "http://0/v3",
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/v3",
    "http://10.0.0.1/v3",
    "http://172.16.0.1/v3",
    "http://192.168.1.1/v3",
    "http://100.64.0.1/v3",
    "http://128.0.0.1/v3",
    "http://126.255.255.255/v3",
    "http://224.0.0.1/v3",
    "http://255.255.255.255/v3",
    "http://1.1.1.1/v3",
    # encodings
    "https://management-test%2eadyen%2ecom/v3",
    "https://%6danagement-test.adyen.com/v3",
    f"https://{T}%00.evil.example/v3",
    f"https://{T}%2f@evil.example/v3",
    f"https://{T}%20/v3",
    "http://%3127.0.0.1/v3",
    "http://127%2e0.0.1/v3",
    "http://local%68ost/v3",
    # beyond ASCII
    "https://management-test。adyen。com/v3",
    "https://management-test．adyen．com/v3",
    "https://management-test｡adyen｡com/v3",
    "https://management‐test.adyen.com/v3",
    "https://ｍanagement-test.adyen.com/v3",
    "https://mаnagement-test.adyen.com/v3",
    "https://management-test.adуen.com/v3",
    "https://management-test.adyen.ⅽom/v3",
    "https://xn--mnagement-test-5fi.adyen.com/v3",
    f"https://{T}／v3",
    f"https://{T}\u200b/v3",
    f"https://{T}\u00ad/v3",
    "http://１２７.0.0.1/v3",
    "http://①②⑦.0.0.1/v3",
    "http://ⓛocalhost/v3",
    "http://loca\u006c\u0301host/v3",
    # capitals
    f"HTTPS://{T}/v3",
    "Https://management-test.adyen.com/v3",
    "https://MANAGEMENT-TEST.ADYEN.COM/v3",
    "https://Management-Test.adyen.com/v3",
    "https://management-test.ADYEN.com/v3",
    "http://LOCALHOST/v3",
    "http://Localhost:8080/v3",
    # schemes
    f"http://{T}/v3",
    f"http://{T}:443/v3",
    f"ftp://{T}/v3",
    f"file://{T}/etc/passwd",
    "file:///etc/passwd",
    f"ws://{T}/v3",
    f"wss://{T}/v3",
    f"gopher://{T}/v3",
    "javascript:alert(1)",
    "data:text/plain,x",
    f"//{T}/v3",
    f"{T}/v3",
    f"https:{T}/v3",
    f"https:/{T}/v3",
    f"https:///{T}/v3",
    f"https+http://{T}/v3",
    "unix:///var/run/x.sock",
    "http+unix://%2Fvar%2Frun%2Fx.sock/v3",
    # white space, control characters, backslashes
    f" https://{T}/v3",
    f"https://{T}/v3 ",
    f"https://{T}/v3\n",
    f"\thttps://{T}/v3",
    f"ht\ntps://{T}/v3",
    f"https://{T}\r\n/v3",
    f"https://{T}\t.evil.example/v3",
    f"https://{T} .evil.example/v3",
    f"https://{T}\x00/v3",
    f"https://{T}/v3\x7f",
    f"https://{T}/v3 HTTP/1.1\r\nX: y",
    f"https:\\\\{T}\\v3",
    f"https://{T}\\@evil.example/v3",
    f"https://evil.example\\@{T}/v3",
    f"https://{T}\\.evil.example/v3",
    "http://127.0.0.1\\@evil.example/v3",
    # queries and fragments that hide a host
    f"https://evil.example?@{T}/v3",
    f"https://evil.example#@{T}/v3",
    f"https://{T}#@evil.example/v3",
    f"https://{T};evil.example/v3",
    f"https://{T},evil.example/v3",
    f"https://{T}&evil.example/v3",
    f"https://evil.example/{T}/v3",
    f"https://evil.example/?u=https://{T}/v3",
    # live
    "https://management-live.adyen.com/v3",
    "https://prefix-management-live.adyenpayments.com/v3",
    "https://1797a841fbb37ca7-AdyenDemo-checkout-live.adyenpayments.com/v71",
    "https://balanceplatform-api-live.adyen.com/bcl/v2",
    "https://kyc-live.adyen.com/lem/v3",
    "https://pal-live.adyen.com/pal",
    "https://ca-live.adyen.com/ca",
    "https://checkout-live.adyen.com/v71",
    "https://management-test.adyenpayments.com/v3",
    # nothing, or too much
    "",
    "https://",
    "https:///v3",
    "http://:80/v3",
    "https://?",
    "://",
    "v3",
    "https://" + "a" * 300 + ".adyen.com/v3",
    "https://" + "a." * 9_000 + "adyen.com/v3",
    f"https://{T}/" + "v" * 20_000,
    f"https://{T}" * 2,
]

FRIENDLY = [
    *(f"https://{host}/v3" for host in sorted(TEST_HOSTS)),
    f"https://{T}",
    f"https://{T}/v3/companies/A%2FB/apiCredentials?pageNumber=1&pageSize=100",
    "http://127.0.0.1:8080/v3",
    "https://127.0.0.1/v1",
    "http://127.255.255.254:65535/v3",
    "http://localhost/v3",
    "http://localhost:1/v3",
    "http://[::1]:8080/v3",
    "http://[::1]/v3",
]


class Counting(httpx.BaseTransport):
    """Counts what would have been sent."""

    def __init__(self) -> None:
        self.urls: list[httpx.URL] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(request.url)
        return httpx.Response(200, json={})


def test_there_are_at_least_a_hundred_hostile_urls_and_no_two_alike():
    assert len(set(HOSTILE)) == len(HOSTILE) >= 100


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused_with_one_line(url):
    with pytest.raises(EndpointRefused) as caught:
        check_endpoint(url)
    message = str(caught.value)
    assert "nothing was sent" in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("127.0.0.1:8080/v3", "write 'http://127.0.0.1:8080/v3';"),
        ("localhost:8080/v3", "write 'http://localhost:8080/v3';"),
        ("management-test.adyen.com/v3", "write 'https://management-test.adyen.com/v3';"),
    ],
)
def test_a_url_without_a_scheme_is_told_which(url, meant):
    with pytest.raises(EndpointRefused, match="it has no scheme") as caught:
        check_endpoint(url)
    assert meant in str(caught.value)


def test_a_host_that_is_a_name_in_no_script_is_refused():
    with pytest.raises(EndpointRefused, match="nothing was sent"):
        check_parsed(httpx.URL("https://xn--.adyen.com/v3/me"))


@pytest.mark.parametrize("url", HOSTILE)
def test_the_client_refuses_it_as_base_and_as_target_before_a_byte_is_sent(url):
    counting = Counting()
    with pytest.raises(EndpointRefused):
        ManagementClient(url, transport=counting, ownership=Ownership.sandbox())
    with (
        ManagementClient("http://127.0.0.1:9/v3", transport=counting, ownership=Ownership.sandbox()) as client,
        pytest.raises(AdyenCredsError),
    ):
        client.send("GET", url)
    assert counting.urls == []


@pytest.mark.parametrize("url", HOSTILE)
def test_a_plain_httpx_client_over_the_guard_sends_nothing_but_to_a_test_host(url):
    counting = Counting()
    with httpx.Client(transport=GuardedTransport(counting, Ownership.sandbox()), trust_env=False) as client:
        try:
            client.get(url)
        except (EndpointRefused, httpx.InvalidURL, httpx.UnsupportedProtocol):
            assert counting.urls == []
        else:
            # httpx has spelled it canonically itself (capitals, full-width dots): that is where it connects to
            (sent,) = counting.urls
            check_endpoint(str(sent))
            assert sent.host in TEST_HOSTS | {"localhost", "127.0.0.1", "::1"}


@pytest.mark.parametrize("url", FRIENDLY)
def test_known_test_hosts_and_loopback_pass(url):
    check_endpoint(url)
    assert is_loopback(url) == ("adyen.com" not in url)


@given(st.text(max_size=60), st.sampled_from(["https://", "http://", "https://" + T, "http://127.0.0.1", ""]))
def test_whatever_passes_is_read_the_same_by_httpx(text, prefix):
    url = prefix + text
    try:
        check_endpoint(url)
    except EndpointRefused:
        return
    parsed = httpx.URL(url)
    assert parsed.host in TEST_HOSTS or parsed.host in ("localhost", "::1") or parsed.host.startswith("127.")
    assert not parsed.userinfo
    assert parsed.scheme == "https" or is_loopback(url)


def test_no_redirect_is_followed_and_no_hop_escapes_the_guard():
    hops: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        hops.append(str(request.url))
        return httpx.Response(307, headers={"location": "https://management-live.adyen.com/v3/me"})

    inner = httpx.MockTransport(redirect)
    with ManagementClient("http://127.0.0.1:9/v3", transport=inner, ownership=Ownership.sandbox()) as client:
        assert client.send("GET", "/me").status_code == 307
    careless = httpx.Client(transport=GuardedTransport(inner, Ownership.sandbox()), follow_redirects=True)
    with careless, pytest.raises(EndpointRefused):
        careless.get("http://127.0.0.1:9/v3/me")
    assert hops == ["http://127.0.0.1:9/v3/me"] * 2


@pytest.mark.parametrize(
    ("headers", "extensions"),
    [
        ({"Host": "management-live.adyen.com"}, {}),
        ({"Host": "127.0.0.1:1"}, {}),
        ({}, {"target": b"http://management-live.adyen.com/v3/me"}),
        ({}, {"sni_hostname": "management-live.adyen.com"}),
    ],
)
def test_what_would_redirect_the_request_beside_its_url_is_refused(headers, extensions):
    counting = Counting()
    with httpx.Client(transport=GuardedTransport(counting, Ownership.sandbox()), trust_env=False) as client:
        request = client.build_request("GET", "http://127.0.0.1:9/v3/me", headers=headers, extensions=extensions)
        with pytest.raises(EndpointRefused):
            client.send(request)
    assert counting.urls == []


def test_on_a_real_network_stack_nothing_connects():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        accepted: list[object] = []

        def accept() -> None:
            try:
                accepted.append(server.accept())
            except TimeoutError:
                return

        watcher = threading.Thread(target=accept)
        watcher.start()
        reaching = [
            f"http://user@127.0.0.1:{port}/v3",
            f"http://127.1:{port}/v3",
            f"http://2130706433:{port}/v3",
            f"http://0x7f.1:{port}/v3",
            f"http://0.0.0.0:{port}/v3",
            f"http://[::ffff:127.0.0.1]:{port}/v3",
        ]
        with httpx.Client(transport=GuardedTransport(httpx.HTTPTransport(), Ownership()), trust_env=False) as client:
            for url in reaching:
                with pytest.raises(EndpointRefused):
                    client.get(url)
        watcher.join()
    assert accepted == []


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    seen = Counting()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with ManagementClient("https://" + T + "/v3", transport=seen, ownership=Ownership.sandbox()) as client:
        client.send("GET", "/me")
    assert [str(url) for url in seen.urls] == [f"https://{T}/v3/me"]


@pytest.mark.parametrize(
    "host",
    ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "127.1", "2130706433", "0.0.0.0", "::1", "::ffff:7f00:1"],
)
def test_this_machine_is_known_however_it_is_spelled(host):
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["", "localhost.example", "127.0.0.1.example", "10.0.0.1", "128.0.0.1", "::2", T])
def test_other_machines_are_not_taken_for_this_one(host):
    assert not is_this_machine(host)


ADVICE = "use https://management-test.adyen.com/v3, another test host of Adyen, or a loopback server"
HOST = "https://management-test.adyen.com"
ELSEWHERE = "its host is neither a known test host nor loopback"
NOT_HTTPS = "its scheme is not https in lower case"
NOT_CANONICAL = "its host or port is not in canonical form"
REASONS = {
    "": "it is empty",
    f"{HOST}/a b": "it holds a space, a control character or one beyond ASCII",
    f"{HOST}/a\\b": "it holds a backslash or a fragment",
    f"{HOST}/a#b": "it holds a backslash or a fragment",
    "https://example.com/v3": ELSEWHERE,
    "http://management-test.adyen.com/v3": "its scheme is not https",
    f"{HOST}:443/v3": "a test host is called without a port",
    "http://localhost:65536/v3": "its port is over 65535",
    "management-test.adyen.com/v3": "it has no scheme, write 'https://management-test.adyen.com/v3'",
    "localhost:8000/v3": "it has no scheme, write 'http://localhost:8000/v3'",
    "127.0.0.1/v3": "it has no scheme, write 'http://127.0.0.1/v3'",
    "user@localhost": NOT_HTTPS,
    "https:management-test.adyen.com": NOT_HTTPS,
    "HTTP:/localhost": NOT_HTTPS,
    "HTTPS://localhost/v3": NOT_HTTPS,
    "ftp://localhost/v3": NOT_HTTPS,
    "https://": "it names no host",
    "https:///v3": "it names no host",
    "http://?a=://b": "it names no host",
    "http://:8000/v3": "it names no host",
    "http://LOCALHOST/v3": NOT_CANONICAL,
    "http://LOCALHOST/v3/a@b": NOT_CANONICAL,
    "https://LOCALHOST?a@b/c": NOT_CANONICAL,
    "http://localhost:0/v3": NOT_CANONICAL,
    "http://LOCALHOST://x": NOT_CANONICAL,
}


@pytest.mark.parametrize(("url", "reason"), REASONS.items())
def test_a_refusal_says_why_and_what_to_use(own_secrets, url, reason):
    with pytest.raises(EndpointRefused) as caught:
        check_endpoint(url)
    assert str(caught.value) == f"{url!a} is refused, {reason}; nothing was sent: {ADVICE}"


@pytest.mark.parametrize("user", ["user", "user:pass"])
def test_a_refusal_shows_no_user_info(own_secrets, user):
    with pytest.raises(EndpointRefused) as caught:
        check_endpoint(f"https://{user}@management-test.adyen.com/v3")
    assert str(caught.value) == (
        f"'https://[masked]@management-test.adyen.com/v3' is refused, it carries user info; nothing was sent: {ADVICE}"
    )


def test_a_refusal_shows_a_long_url_in_part(own_secrets):
    for length, shown in ((120, None), (121, 117)):
        url = "https://example.com/" + "a" * (length - 22)
        with pytest.raises(EndpointRefused) as caught:
            check_endpoint(url)
        text = ascii(url)
        assert len(text) == length
        whole = text if shown is None else f"{text[:shown]}..."
        assert str(caught.value) == f"{whole} is refused, {ELSEWHERE}; nothing was sent: {ADVICE}"


def test_a_url_may_be_so_long_and_no_longer():
    url = f"{HOST}/".ljust(16_384, "a")
    check_endpoint(url)
    check_parsed(httpx.URL(url))
    for check in (check_endpoint, lambda longer: check_parsed(httpx.URL(longer))):
        with pytest.raises(EndpointRefused, match="it is longer than 16384 characters; nothing was sent"):
            check(f"{url}a")


class Odd(httpx.URL):
    """A URL that httpx reads as another than it is written."""

    def __str__(self) -> str:
        return f"{HOST}/v3"


def test_a_parsed_url_that_is_written_otherwise_is_refused():
    with pytest.raises(EndpointRefused) as caught:
        check_parsed(Odd("https://example.com/v3"))
    assert str(caught.value) == (f"'{HOST}/v3' is refused, parsers read it differently; nothing was sent: {ADVICE}")
    check_parsed(httpx.URL("http://[::1]:8000/v3"))
    check_parsed(httpx.URL("http://localhost/v3"))
    with pytest.raises(EndpointRefused, match="its scheme is not https"):
        check_parsed(httpx.URL("http://management-test.adyen.com/v3"))
