"""Compressed bodies: looked into whatever their headers say, and refused where nothing here can."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import body, serializer
from pytest_adyen_creds.cassettes.model import Cassette, Headers, Interaction
from pytest_adyen_creds.cassettes.playback import Playback, request_of
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.secrets import SecretRegistry

pytestmark = pytest.mark.usefixtures("own_secrets")

KEY = "AQE" + "h4qK" * 20 + "-" + "mB4x" * 10 + "-{w1%#~}Zq!"
SHORT = KEY[:60]
PASSWORD = "correct horse battery staple 42"
PLACE = "https://management-test.adyen.com/v3/me/allowedOrigins"
ELSEWHERE = "https://shop.example.com/orders"


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "gzip, stored": lambda data: gzip.compress(data, 0),
    "zlib": zlib.compress,
    "zlib, stored": lambda data: zlib.compress(data, 0),
    "deflate": raw_deflate,
    "gzip twice": lambda data: gzip.compress(gzip.compress(data)),
    "gzip of deflate": lambda data: gzip.compress(raw_deflate(data)),
    "two members": lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
HEADERS: dict[str, Headers] = {
    "none": (),
    "plain": (("content-encoding", "identity"), ("content-type", "application/json")),
    "text": (("content-type", "text/plain"),),
}
BODIES = {
    "a field": json.dumps({"password": PASSWORD, "more": "x" * 50}),
    "a whole key": json.dumps({"note": KEY}),
    "a key cut short": f"the key begins with {SHORT}",
    "a user": json.dumps({"username": "ws_123456@Company.AcmeGroup"}),
}
TOLD = (PASSWORD, SHORT, "AcmeGroup")


def cassette(packed: bytes, headers: Headers, side: str, uri: str = PLACE) -> Cassette:
    plain = Interaction("POST", uri, (), b"", 200, "OK", (), b"{}")
    changed = {f"{side}_headers": headers, f"{side}_body": packed}
    return Cassette((replace(plain, **changed),))  # type: ignore[arg-type]


def scrubber(*known: str) -> Scrubber:
    registry = SecretRegistry()
    for each in known:
        registry.add(each)
    return Scrubber(load_contract(), (), registry)


def open_bodies(interaction: Interaction) -> str:
    bodies = (interaction.request_body, interaction.response_body)
    return " ".join(body.Body.open(each, ()).text for each in bodies)


@pytest.mark.parametrize("side", ["request", "response"])
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("text", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS)
def test_is_scrubbed(coding: Callable[[bytes], bytes], text: str, headers: Headers, side: str) -> None:
    [clean] = scrubber().interactions(cassette(coding(text.encode()), headers, side).interactions)
    left = open_bodies(clean)
    assert not any(each in left for each in TOLD)
    assert "seudo" in left or "PSEUDONYM" in left


@pytest.mark.parametrize("side", ["request", "response"])
@pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS)
def test_a_known_secret_goes_from_what_other_hosts_were_sent(coding: Callable[[bytes], bytes], side: str) -> None:
    packed = coding(f"free text around {PASSWORD}, not JSON".encode())
    [clean] = scrubber(PASSWORD).interactions(cassette(packed, (), side, ELSEWHERE).interactions)
    assert PASSWORD not in open_bodies(clean)


@pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS)
def test_what_holds_no_secret_stays_as_it_is(coding: Callable[[bytes], bytes]) -> None:
    packed = coding(b'{"orders": ["a", "b"], "more": "' + b"x" * 50 + b'"}')
    before = cassette(packed, (), "response", ELSEWHERE).interactions
    assert scrubber().interactions(before) == list(before)


@pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS)
def test_the_commands_see_it(
    coding: Callable[[bytes], bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {
        tmp_path / "cassettes" / f"{side} {name}.yaml": (side, text)
        for side in ("request", "response")
        for name, text in BODIES.items()
    }
    (tmp_path / "cassettes").mkdir()
    for path, (side, text) in paths.items():
        serializer.write(path, cassette(coding(text.encode()), (), side))
    assert main(["cassettes", "check", str(tmp_path)]) == 1
    said = capsys.readouterr().out.splitlines()
    for path, (side, _) in paths.items():
        assert any(str(path) in line and f"the {side}'s body holds" in line for line in said), path
    assert main(["cassettes", "scrub", "--write", str(tmp_path)]) == 0
    assert main(["cassettes", "check", str(tmp_path)]) == 0
    for path in paths:
        assert not any(each in open_bodies(serializer.read(path).interactions[0]) for each in TOLD)


UNREADABLE = {
    "gzip cut short": gzip.compress(KEY.encode())[:-9],
    "zlib cut short": zlib.compress(KEY.encode() * 9)[:-9],
    "bzip2 cut short": bz2.compress(KEY.encode())[:-9],
    "xz cut short": lzma.compress(KEY.encode())[:-9],
    "zstd that is none": b"\x28\xb5\x2f\xfd" + b"\xff" * 20,
    "too often": gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"x")))))),
}


@pytest.mark.parametrize("side", ["request", "response"])
@pytest.mark.parametrize("packed", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_looked_into_is_refused_and_named(
    packed: bytes, side: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = cassette(packed, (), side)
    with pytest.raises(CassetteError, match=r"a body .*compressed"):
        scrubber().interactions(before.interactions)
    path = tmp_path / "cassettes" / "a.yaml"
    path.parent.mkdir()
    serializer.write(path, before)
    assert main(["cassettes", "check", str(tmp_path)]) == 1
    assert "interaction 1: secret: a body" in capsys.readouterr().out
    assert main(["cassettes", "scrub", "--write", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert serializer.read(path) == before


@pytest.mark.parametrize("name", ["gzip", "zlib", "bzip2", "xz"])
def test_what_unfolds_to_too_much_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = CODINGS[name](bytes(100_000))
    monkeypatch.setattr(body, "LARGEST", 10_000)
    with pytest.raises(CassetteError, match="too large"):
        body.unpacked_by_look(packed)


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br"])
def test_a_coding_that_nothing_here_unpacks_is_refused(coding: str) -> None:
    headers = (("content-encoding", coding),)
    with pytest.raises(CassetteError, match=f"compressed with '{coding.rpartition(' ')[2]}' cannot be searched"):
        body.Body.open(b"\x8b\x02\x80" + b"\xff" * 20, headers)
    assert body.Body.open(b'{"plain": 1}', headers).value == {"plain": 1}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x^ is no zlib",
        b"BZh is a word",
        b"x\x9c",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"h\x81 caf\xe9",
        "é".encode(),
    ],
)
def test_what_only_looks_compressed_is_as_it_is(data: bytes) -> None:
    assert body.unpacked_by_look(data) == data


def test_a_request_that_is_compressed_again_finds_its_answer() -> None:
    packed = gzip.compress(json.dumps({"domain": "https://a.example", "password": PASSWORD}).encode(), mtime=1)
    clean = scrubber().interactions(cassette(packed, (), "request").interactions)
    again = replace(clean[0], request_body=gzip.compress(clean[0].request_body, mtime=2))
    assert Playback(clean).take(request_of(again)) is not None


@pytest.mark.parametrize(
    "encode", [base64.b32encode, base64.b85encode, base64.a85encode], ids=lambda each: each.__name__
)
def test_a_known_secret_in_other_alphabets_is_seen(encode: Callable[[bytes], bytes]) -> None:
    data = json.dumps({"note": encode(PASSWORD.encode()).decode()}).encode()
    [clean] = scrubber(PASSWORD).interactions(cassette(data, (), "response").interactions)
    assert encode(PASSWORD.encode()).decode() not in json.loads(clean.response_body)["note"]


@pytest.mark.parametrize(
    "secret", ["AQE" + "0" * 57 + "12345", "word" + "0" * 30 + "word", "S2-0000000000x", "2100000000000z"]
)
def test_a_secret_that_shares_a_piece_with_pseudonyms_is_replaced(secret: str) -> None:
    data = json.dumps({"apiKey": secret, "note": f"it is {secret}", "id": "S2-1234567890"}).encode()
    [clean] = scrubber(secret).interactions(cassette(data, (), "response").interactions)
    assert secret not in clean.response_body.decode()
