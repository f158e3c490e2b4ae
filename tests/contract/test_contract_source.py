"""Documents from files and URLs: bounded, never from another host than the one that was named."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_adyen_creds.contract import load_contract
from pytest_adyen_creds.contract.source import read_specification
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.files import read_bytes

DOCUMENT = {"openapi": "3.1.0", "paths": {}}
URL = "https://raw.example/spec.json"


def fetched(answer: Callable[[httpx.Request], httpx.Response], url: str = URL, patience: float = 30) -> Any:
    return read_specification(url, transport=httpx.MockTransport(answer), patience=patience)


def refused(answer: Callable[[httpx.Request], httpx.Response], url: str = URL, patience: float = 30) -> str:
    with pytest.raises(FileRefused) as refusal:
        fetched(answer, url, patience)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def never(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked for")


def test_json_and_yaml_are_read_from_files_and_urls(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(DOCUMENT))
    (tmp_path / "a.yaml").write_text("openapi: 3.1.0\npaths: {}\n")
    assert read_specification(str(tmp_path / "a.json")) == DOCUMENT
    assert read_specification(str(tmp_path / "a.yaml")) == DOCUMENT
    assert fetched(lambda _: httpx.Response(200, text="openapi: 3.1.0\npaths: {}")) == DOCUMENT


@pytest.mark.parametrize(
    "url",
    [
        "http://raw.example/spec.json",
        "ftp://raw.example/spec.json",
        "file:///etc/passwd",
        "https://user:word@raw.example/",
        "https://",
        "https://raw.example:x/",
        "https://raw example/",
        "https://raw.exämple/",
        "https://[::1/",
    ],
)
def test_what_is_no_plain_https_url_is_never_asked_for(url: str) -> None:
    message = refused(never, url)
    assert "word" not in message


def test_a_redirect_stays_with_its_host() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/moved":
            return httpx.Response(200, json=DOCUMENT)
        return httpx.Response(302, headers={"location": "/moved"})

    assert fetched(answer) == DOCUMENT


@pytest.mark.parametrize(
    "target", ["https://other.example/spec.json", "http://raw.example/x", "https://raw.example:444/"]
)
def test_a_redirect_to_another_place_is_refused(target: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == URL
        return httpx.Response(302, headers={"location": target})

    assert target.split("/")[2] in refused(answer)


def test_redirects_in_a_circle_end() -> None:
    assert "times" in refused(lambda request: httpx.Response(302, headers={"location": "/again"}))


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (lambda: httpx.Response(404), "404"),
        (lambda: httpx.Response(200, content=b""), "empty"),
        (lambda: httpx.Response(200, content=b"\xff\xfe{"), "UTF-8"),
        (lambda: httpx.Response(200, content=b"<html></html>"), "not an OpenAPI document"),
        (lambda: httpx.Response(200, json=[]), "not an OpenAPI document"),
        (lambda: httpx.Response(200, json={"swagger": "2.0", "paths": {}}), "2.0"),
        (lambda: httpx.Response(200, json={"openapi": "3.2.0", "paths": {}}), "3.2.0"),
        (lambda: httpx.Response(200, json={"openapi": "3.1.0", "paths": []}), "paths"),
    ],
)
def test_what_is_no_specification_is_refused(response: Callable[[], httpx.Response], says: str) -> None:
    assert says in refused(lambda _: response())


def test_a_document_that_does_not_end_is_refused() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 1024 * 1024

    assert "20 MiB" in refused(lambda _: httpx.Response(200, content=endless()))
    assert sent <= 22


@pytest.mark.parametrize("pause", [30.0, 0.01], ids=["does not answer", "drips"])
def test_a_server_that_does_not_come_to_an_end_is_given_up(pause: float) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(pause)

    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(pause)
        return httpx.Response(200, content=dripping())

    with pytest.raises(FileRefused, match="did not arrive within"):
        read_specification(URL, transport=httpx.MockTransport(answer), patience=0.05)


def test_a_network_that_fails_is_one_line() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    assert "ConnectError" in refused(answer)


def test_the_default_is_an_https_url_of_each_version() -> None:
    for version in ("v3", "v1"):
        published = load_contract(version).published
        assert published is not None
        assert published.startswith("https://raw.githubusercontent.com/Adyen/")
        assert published.endswith(f"/ManagementService-{version}.json")


def test_an_empty_body_is_a_body_and_a_directory_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert read_bytes(tmp_path / "empty") == b""
    for path in (tmp_path, tmp_path / "missing", Path("\0")):
        with pytest.raises(FileRefused):
            read_bytes(path)
