"""Hosts: which requests are for Adyen, which of them a run answers, and what they are called there."""

from __future__ import annotations

import pytest

from pytest_adyen_creds.intercept.hosts import Hosts, authority_of, is_host_of_adyen

CANONICAL = "https://management-test.adyen.com"
BASE_URLS = [
    "http://localhost:8000/v3",
    "https://proxy.example/v3",
    "http://plain.example:8080/v3",
    "http://eighty.example/v3",
]

SERVED = [
    CANONICAL,
    "https://management-test.adyen.com:443",
    "https://management-test.adyen.com.",
    "https://MANAGEMENT-test.adyen.com",
    "HTTPS://management-test.adyen.com",
    "https://user@management-test.adyen.com",
    "http://localhost:8000",
    "http://127.0.0.1:8000",
    "http://[::1]:8000",
    "https://proxy.example",
    "https://proxy.example:443",
    "http://plain.example:8080",
    "http://eighty.example:80",
]
OF_ADYEN = [
    "http://management-test.adyen.com",
    "https://management-test.adyen.com:8443",
    "https://management-live.adyen.com",
    "https://checkout-test.adyen.com",
    "https://a.b.adyenpayments.com",
    "https://adyen.com",
    "https://ADYEN.COM.",
]
OTHERS = [
    "https://adyen.com.example",
    "https://notadyen.com",
    "https://adyen.example",
    "http://proxy.example",
    "https://plain.example:8080",
    "http://plain.example",
    "http://localhost",
    "http://127.0.0.1:8001",
    "https://localhost:8000",
    "https://[::1",
    "https://proxy.example:port",
    "ftp://proxy.example",
    "https://",
]


@pytest.mark.parametrize("rest", ["", "/", "/v3/me?a=/b#c", "?a=https://management-test.adyen.com/", "#x"])
class TestHosts:
    @pytest.mark.parametrize("authority", SERVED)
    def test_are_served(self, authority: str, rest: str) -> None:
        hosts = Hosts(BASE_URLS)
        assert hosts.is_served(authority + rest)
        assert hosts.is_ours(authority + rest)
        assert hosts.canonical(authority + rest) == CANONICAL + rest

    @pytest.mark.parametrize("authority", OF_ADYEN)
    def test_are_ours_and_not_served(self, authority: str, rest: str) -> None:
        hosts = Hosts(BASE_URLS)
        assert not hosts.is_served(authority + rest)
        assert hosts.is_ours(authority + rest)
        assert hosts.canonical(authority + rest) == authority + rest

    @pytest.mark.parametrize("authority", OTHERS)
    def test_are_somebody_elses(self, authority: str, rest: str) -> None:
        hosts = Hosts(BASE_URLS)
        assert not hosts.is_served(authority + rest)
        assert not hosts.is_ours(authority + rest)
        assert hosts.canonical(authority + rest) == authority + rest


def test_without_base_urls_one_host_is_served() -> None:
    hosts = Hosts()
    assert [uri for uri in SERVED if hosts.is_served(uri)] == SERVED[:6]
    assert hosts.canonical(f"{CANONICAL}:443/v3/me") == f"{CANONICAL}/v3/me"


def test_what_cannot_be_read_is_served_only_where_it_was_given() -> None:
    assert Hosts(["https://[::1"]).is_served("https://[::1/v3")
    assert not Hosts(["https://[::1"]).is_served("https://[::2/v3")


@pytest.mark.parametrize(
    ("uri", "authority"),
    [
        ("https://host:1/path", "https://host:1"),
        ("https://host?query", "https://host"),
        ("https://host#fragment", "https://host"),
        ("git+ssh://host", "git+ssh://host"),
        ("/path", "/path"),
        ("host/path", "host/path"),
    ],
)
def test_an_authority_is_as_it_was_written(uri: str, authority: str) -> None:
    assert authority_of(uri) == authority


@pytest.mark.parametrize(
    "host", ["adyen.com", "x.adyen.com", "x.Adyen.com.", "adyenpayments.com", "x.adyenpayments.com"]
)
def test_hosts_of_adyen(host: str) -> None:
    assert is_host_of_adyen(host)


@pytest.mark.parametrize("host", ["", "adyen.com..", ".adyen.com", "xadyen.com", "adyen.com.x", "adyen", "adyen-com"])
def test_hosts_of_nobody_or_somebody_else(host: str) -> None:
    assert not is_host_of_adyen(host)
