"""vcrpy's undocumented parts, each as compat/vcrpy.py has it."""

from __future__ import annotations

import http.client
import inspect
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import urllib3
import vcr
import vcr.patch
from vcr.cassette import Cassette
from vcr.stubs import VCRConnection

from pytest_adyen_creds.compat import vcrpy as compat

DISTRIBUTION = "vcrpy"

URL = "https://ours.example/a?b=1"


def wants(url: str) -> bool:
    return "ours.example" in url


@contextmanager
def stubbed() -> Iterator[list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(203, headers=[("x-a", "1"), ("x-a", "2")], stream=httpx.ByteStream(b"ours"))

    with compat.stubbed(wants, answer):
        yield asked


def test_headers_and_bodies_by_hand() -> None:
    """A connection's `request`, `putrequest`, `putheader`, `endheaders` and `send` make its `_vcr_request`."""
    with stubbed() as asked:
        connection = http.client.HTTPSConnection("ours.example")
        connection.putrequest("POST", "/a?b=1")
        for value in ("1", "2"):
            connection.putheader("X-B", value)
        connection.putheader("Content-Length", 4)
        connection.endheaders(b"se")
        connection.send(b"nt")
        connection.getresponse().read()
        connection.request("GET", "https://ours.example/a")
        connection.getresponse().read()
    first, second = asked
    assert (first.content, first.headers.get_list("x-b")) == (b"sent", ["1", "2"])
    assert (first.headers["content-length"], first.headers.get_list("host")) == ("4", ["ours.example"])
    assert [each.extensions["target"] for each in asked] == [b"/a?b=1", b"https://ours.example/a"]
    assert str(second.url) == "https://ours.example/a"


def test_stubs() -> None:
    """The stubs of http.client and urllib3 ask `can_play_response_for`, then take what `play_response` returns."""
    with stubbed() as asked:
        connection = http.client.HTTPSConnection("ours.example")
        connection.request("POST", "/a?b=1", body=b"sent", headers={"X-B": "2"})
        answer = connection.getresponse()
        assert (answer.status, answer.read(), answer.headers.get_all("x-a")) == (203, b"ours", ["1", "2"])
        with urllib3.PoolManager() as pool:
            assert pool.request("GET", URL).data == b"ours"
        assert urllib.request.urlopen(URL).read() == b"ours"
    assert [(each.method, str(each.url), each.content) for each in asked] == [
        ("POST", URL, b"sent"),
        ("GET", URL, b""),
        ("GET", URL, b""),
    ]
    assert asked[0].headers["x-b"] == "2"


def test_skipped_libraries() -> None:
    """`skip_patchers` leaves httpx and aiohttp alone, and knows them by these names."""
    before = httpx.HTTPTransport.handle_request
    with stubbed():
        assert httpx.HTTPTransport.handle_request is before


def test_patches_that_stay() -> None:
    """`force_reset` takes the patches off, and the base class of a stub for HTTPS is looked up by its name."""
    assert inspect.isgeneratorfunction(inspect.unwrap(vcr.patch.force_reset))
    assert compat._under_its_own_name(vcr.stubs.HTTPSConnection)("ours.example", timeout=5).port == 443


def test_hosts_with_colons() -> None:
    """`_real_host` returns the host of a connection as it was given."""
    with stubbed():
        made = http.client.HTTPConnection("::1", 8080)
        assert isinstance(made, VCRConnection)
        assert made._uri("/a") == "http://[::1]:8080/a"


@pytest.mark.parametrize("place", compat.PLACES)
def test_sending(place: str) -> None:
    """What a cassette sends by, where it holds no answer, is kept in `vcr.patch` under these names."""
    pytest.importorskip(place.partition(".")[0])
    assert callable(getattr(vcr.patch, compat.PLACES[place]))


def test_foreign_cassettes(tmp_path: Path) -> None:
    """A cassette appends what its connection got, and asks `write_protected` and `filter_request` before it sends."""
    let_out: list[str] = []
    played: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        let_out.append(str(request.url))
        return httpx.Response(200, stream=httpx.ByteStream(b"let out"))

    def note(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        played.append(str(request.url))
        return response

    path = str(tmp_path / "theirs.yaml")
    with compat.foreign_cassettes(wants, answer, note, {}), urllib3.PoolManager() as pool:
        with vcr.use_cassette(path) as theirs:
            assert [pool.request("GET", URL).data for _ in range(2)] == [b"let out"] * 2
            assert len(theirs) == 2
        with vcr.use_cassette(path, record_mode="none"):
            assert pool.request("GET", URL).data == b"let out"
            assert compat.stands_in_front()
            with pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException):
                pool.request("GET", f"{URL}&c=2")
    assert let_out == [URL] * 2
    assert played == [URL]
    with (
        compat.foreign_cassettes(wants, answer, lambda *_: httpx.Response(418, content=b"another"), {}),
        vcr.use_cassette(path, record_mode="none"),
        urllib3.PoolManager() as pool,
    ):
        assert (found := pool.request("GET", URL)).data == b"another"
        assert found.status == 418
    assert not compat.stands_in_front()
    assert Cassette.can_play_response_for.__module__ == "vcr.cassette"
