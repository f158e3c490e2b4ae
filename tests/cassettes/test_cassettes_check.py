"""``cassettes check`` and ``cassettes scrub``: what they find, what they leave alone, and how they exit."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import pytest
import requests
import vcr
import yaml
from cassettes_libraries import ORIGIN

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.commands import cassettes
from pytest_adyen_creds.cassettes.lint import find_staleness
from pytest_adyen_creds.cassettes.model import Cassette, Interaction, Provenance
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.errors import AdyenCredsError
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import Secret, SecretRegistry

API_KEY = "AQE" + "hY7/k+3" * 17 + "==-mB4xQ=-Z9!"
CLIENT_KEY = "test_7QWERTYUIOPASDFGHJKLZXCVBNM012345"
PASSWORD = "r7#kP!w2@zQ9$mX4&b"


def run(*arguments: object) -> int:
    status = cassettes.main(args=[str(argument) for argument in arguments], standalone_mode=False)
    return status if isinstance(status, int) else 0


def provenance(**changes: Any) -> Provenance:
    made = {
        "backend": "sandbox",
        "recorded_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "contract": "v3",
        "contract_digest": load_contract("v3").digest,
        "generator": "pytest-adyen-creds 0.1.0",
    }
    return Provenance(**{**made, **changes})


def exchange(body: bytes = b"{}", headers: Any = (), **changes: Any) -> Interaction:
    return Interaction("GET", f"{ORIGIN}/v3/me", headers, b"", 200, "OK", (), body, **changes)


def clean_cassette() -> Cassette:
    recorded = exchange(
        json.dumps({"apiKey": API_KEY, "password": PASSWORD, "clientKey": CLIENT_KEY, "id": "S2-12345"}).encode(),
        (
            ("x-api-key", API_KEY),
            ("authorization", "Basic " + base64.b64encode(b"ws@Company.X:" + PASSWORD.encode()).decode()),
        ),
    )
    scrubber = Scrubber(load_contract(), registry=SecretRegistry())
    return Cassette(tuple(scrubber.interactions([recorded])), provenance())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ADYEN_MANAGEMENT_API_KEY", raising=False)
    serializer.write(tmp_path / "clean.yaml", clean_cassette())
    return tmp_path


def test_a_scrubbed_cassette_is_clean(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", folder) == 0
    assert capsys.readouterr().out == "1 cassette, 0 problems\n"


@pytest.mark.usefixtures("own_secrets")
def test_what_a_run_was_replayed_is_no_secret(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = json.loads(serializer.read(folder / "clean.yaml").interactions[0].response_body)
    for name in ("apiKey", "password", "clientKey"):
        Secret(recorded[name])
    assert run("check", folder) == 0
    (folder / "unclean.yaml").write_text((folder / "clean.yaml").read_text() + "# bought-at-noon-by-7\n")
    Secret("bought-at-noon-by-7")
    assert run("check", folder) == 1
    assert "(1 in the file)" in capsys.readouterr().out


def wrapped(value: str) -> str:
    return "\n          ".join(value[at : at + 20] for at in range(0, len(value), 20))


FORMS = {
    "raw": lambda value: value,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 within": lambda value: base64.b64encode(f"a key: {value}!".encode()).decode(),
    "URL-encoded": lambda value: quote(value, safe=""),
    "JSON-escaped": lambda value: "".join(f"\\u{ord(char):04x}" if char in "/+=" else char for char in value),
    "wrapped": wrapped,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("secret", [API_KEY, CLIENT_KEY], ids=["API key", "client key"])
def test_a_canary_planted_by_hand_is_found_by_its_form(folder: Path, form: Any, secret: str) -> None:
    planted = serializer.dumps(clean_cassette()).replace("allowedOrigins", "x")
    path = folder / "planted.yaml"
    text = planted.replace('"id":', f'"note": "{form(secret)}",\n          "id":')
    assert text != planted
    path.write_text(text)

    assert run("check", path) == 1


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_known_secret_is_found_in_every_form_though_it_has_none_of_its_own(
    folder: Path, form: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    random = hashlib.sha256(str(folder).encode()).hexdigest()  # a piece of another test's would be known already
    secret = f"{random[:12]}&/+={random[12:24]}"
    (folder / "known.txt").write_text(secret + "\n")
    planted = serializer.dumps(clean_cassette())
    (folder / "planted.yaml").write_text(planted.replace('"id":', f'"note": "{form(secret)}",\n          "id":'))
    assert run("check", folder / "planted.yaml") == 0

    assert run("check", folder, "--secrets", folder / "known.txt") == 1

    out = capsys.readouterr().out
    assert "a secret that this session knows" in out
    assert secret not in out


@pytest.mark.parametrize(
    "planted",
    [
        exchange(b'{"password": "correct horse"}'),
        exchange(b'{"data": [{"clientKey": "ck-123456"}]}'),
        exchange(headers=(("x-api-key", "my own key"),)),
        exchange(headers=(("authorization", "Basic " + base64.b64encode(b"ws@Company.X:hunter2").decode()),)),
        exchange(headers=(("cookie", "JSESSIONID=123456789"),)),
        exchange(b'{"password": "correct horse'),
    ],
)
def test_a_value_in_the_place_of_a_secret_is_found_whatever_it_looks_like(
    folder: Path, planted: Interaction, capsys: pytest.CaptureFixture[str]
) -> None:
    serializer.write(folder / "planted.yaml", Cassette((exchange(), planted), provenance()))

    assert run("check", folder, "--format", "json") == 1

    found = json.loads(capsys.readouterr().out)
    assert {"secret"} == {item["kind"] for item in found}
    assert "interaction 2" in {item["where"] for item in found}
    assert "hunter2" not in str(found)
    assert "horse" not in str(found)


@pytest.mark.parametrize("placeholder", ["REDACTED", "[masked]", "<FILTERED>", "***", "", "DUMMY", "YOUR_API_KEY"])
def test_what_other_tools_put_in_a_secrets_place_is_no_secret(folder: Path, placeholder: str) -> None:
    serializer.write(folder / "other.yaml", Cassette((exchange(headers=(("x-api-key", placeholder),)),)))

    assert run("check", folder) == 0


@pytest.mark.parametrize(
    "content", ["!!python/object/apply:os.system [x]\n", "a: &a [1]\nb: *a\n", "version: 7\ninteractions: []\n", ""]
)
def test_an_unsafe_or_broken_file_is_listed_in_one_line(
    folder: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "cassettes").mkdir()
    (folder / "cassettes" / "bad.yaml").write_text(content)
    (folder / "compose.yaml").write_text("services: {}\n")

    assert run("check", folder) == 1

    assert capsys.readouterr().out.count(": unsafe: ") == 1


NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "max_age", "says"),
    [
        ({"recorded_at": "2026-11-20T00:00:00Z"}, 3.0, None),
        ({"recorded_at": "2026-11-20T00:00:00Z"}, 1.5, "recorded 2 days ago, 1.5 are allowed"),
        ({"recorded_at": "2016-11-20T00:00:00Z"}, None, None),
        (
            {"recorded_at": "2026-11-22T00:00:00Z", "contract_digest": "sha256:other"},
            None,
            "another version of contract v3",
        ),
        ({"recorded_at": "yesterday"}, None, "is no date"),
        ({"recorded_at": "2026-11-22T00:00:00Z", "contract": "v9"}, None, None),
    ],
)
def test_age_and_contract_decide_what_is_stale(
    changes: dict[str, str], max_age: float | None, says: str | None
) -> None:
    cassette = Cassette((), provenance(**changes))
    digests = {"v3": load_contract("v3").digest}

    found = [str(item) for item in find_staleness(cassette, Path("x.yaml"), now=NOW, max_age=max_age, digests=digests)]

    assert len(found) == (says is not None)
    assert says is None or says in found[0]


def test_staleness_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serializer.write(folder / "old.yaml", Cassette((), provenance(recorded_at="2020-01-01T00:00:00Z")))

    assert run("check", folder) == 0
    assert run("check", folder, "--max-age", "30") == 1
    assert "stale" in capsys.readouterr().out
    (folder / "pytest.ini").write_text("[pytest]\nadyen_cassette_max_age = 30\n")
    assert run("check", folder) == 1
    assert "30 are allowed" in capsys.readouterr().out
    assert run("check", folder, "--max-age", "99999") == 0
    for wrong in ("nan", "inf", "-1"):
        with pytest.raises(click.BadParameter):
            run("check", folder, "--max-age", wrong)


def test_a_folder_without_cassettes_is_said_to_have_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tests").mkdir()

    for command in ("check", "scrub"):
        with pytest.raises(AdyenCredsError, match="no cassettes were found there; name the folder"):
            run(command, folder / "tests")


def test_what_is_wrong_is_listed_in_the_order_of_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exchanges = [exchange(b'{"password": "correct horse %d"}' % number) for number in range(12)]
    serializer.write(folder / "many.yaml", Cassette(tuple(exchanges)))

    assert run("check", folder, "--format", "json") == 1
    places = [found["where"] for found in json.loads(capsys.readouterr().out) if found["kind"] == "secret"]
    numbers = [[int(number) for number in re.findall(r"\d+", place)] for place in places]
    assert len(numbers) >= 12
    assert numbers == sorted(numbers)


def test_a_secret_in_a_path_is_masked_in_either_format(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "known.txt").write_text("sesame-1234\n")
    serializer.write(folder / "sesame-1234.yaml", Cassette((exchange(b'{"password": "correct horse"}'),)))

    for form in ("text", "json", "sarif"):
        assert run("check", folder, "--secrets", folder / "known.txt", "--format", form) == 1
        assert "sesame" not in capsys.readouterr().out


def test_a_cassette_that_cannot_be_written_again_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = serializer.dumps(Cassette((exchange(b'{"apiKey": "abcdefgh"}'),)))
    path = folder / "x.yaml"
    path.write_text(text.replace("interactions:", "context:\n  made: 2026-11-22\ninteractions:"))

    assert run("scrub", path, "--write") == 1

    said = capsys.readouterr().err
    assert said.startswith(f"{path}: cannot be written: a cassette cannot hold date")
    assert said.count("\n") == 1


def test_several_files_and_folders_are_looked_at_once_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = folder / "cassettes" / "other.yaml"
    other.parent.mkdir()
    serializer.write(other, clean_cassette())
    assert run("check", folder / "clean.yaml", other, other.parent, folder) == 0
    assert capsys.readouterr().out == "2 cassettes, 0 problems\n"
    serializer.write(other, Cassette((exchange(json.dumps({"apiKey": API_KEY}).encode()),)))
    assert run("check", folder / "clean.yaml", other) == 1
    assert f"{other}, interaction 1: secret" in capsys.readouterr().out


def test_a_folder_that_does_not_exist_could_not_be_checked(folder: Path) -> None:
    with pytest.raises(AdyenCredsError, match="does not exist"):
        run("check", folder / "none")


def plain_vcrpy(path: Path, serializer_: str = "yaml") -> tuple[str, str]:
    """Record with plain vcrpy, from a sandbox on loopback; return the API key that it wrote, and the server's address.

    The second request is answered in an encoding of its own, and the third has a body of its own.
    """
    sandbox = Sandbox()
    with sandbox.serve() as server, vcr.use_cassette(str(path), serializer=serializer_):
        headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
        url = f"{server.url}/v3/companies/TestCompany/apiCredentials"
        created = requests.post(url, json={"roles": sandbox.roles[:1]}, headers=headers, timeout=5).json()
        requests.get(f"{server.url}/v3/me", headers={"X-API-Key": created["apiKey"]}, timeout=5)
    return str(created["apiKey"]), server.url


@pytest.mark.parametrize(
    ("name", "serializer_"),
    [
        ("plain.yaml", "yaml"),
        ("listing.json", "json"),
        ("test_me_default_name", "yaml"),
        ("tests/cassettes/test_me_default_name", "json"),
        ("cassettes/test_me[1.5]", "yaml"),
    ],
)
def test_a_plain_vcrpy_cassette_is_scrubbed_in_place_and_still_replays(
    tmp_path: Path, name: str, serializer_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    key, url = plain_vcrpy(path, serializer_)
    before = path.read_text()
    assert key in before
    assert run("check", tmp_path) == 1

    assert run("scrub", tmp_path) == 1
    assert path.read_text() == before
    assert f"{name}: would be scrubbed" in capsys.readouterr().out

    assert run("scrub", tmp_path, "--write") == 0
    assert run("check", tmp_path) == 0
    assert "1 cassette, 0 problems" in capsys.readouterr().out
    assert run("scrub", tmp_path) == 0
    assert key not in path.read_text()
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]
    if serializer_ == "json":
        assert list(json.loads(path.read_text())) == list(json.loads(before))
    with vcr.use_cassette(str(path), record_mode="none", serializer=serializer_):  # the server is gone
        created = requests.post(f"{url}/v3/companies/TestCompany/apiCredentials", json={}, timeout=5).json()
        assert created["apiKey"].startswith("AQEPSEUDONYM")
        assert requests.get(f"{url}/v3/me", timeout=5).json()["id"] == created["id"]


@pytest.mark.parametrize(("name", "serializer_"), [("a.yaml", "yaml"), ("a.json", "json")])
def test_what_a_test_had_vcrpy_keep_is_scrubbed_and_kept(tmp_path: Path, name: str, serializer_: str) -> None:
    path, kept = tmp_path / name, {"apiKey": "correct horse 7", "seed": 4, "names": ["a"]}
    plain_vcrpy(path, serializer_)
    document = yaml.safe_load(path.read_text()) | {"metadata": {"made": kept}}
    path.write_text(json.dumps(document) if serializer_ == "json" else yaml.safe_dump(document, sort_keys=False))
    assert run("scrub", path, "--write") == 0
    assert run("check", path) == 0
    assert "correct horse" not in path.read_text()
    with vcr.use_cassette(str(path), record_mode="none", serializer=serializer_) as cassette:
        if not hasattr(cassette, "get_metadata"):
            pytest.skip("this release of vcrpy keeps nothing beside the requests")
        made = cassette.get_metadata("made", None)
    assert made == kept | {"apiKey": made["apiKey"]}
    clean = yaml.safe_load(path.read_text())
    assert {**clean, "metadata": 0}.keys() == document.keys()
    path.write_text(json.dumps(clean | {"metadata": {"made": {"password": "correct horse 8"}}}))
    assert run("check", path) == 1
    path.write_text(json.dumps(clean | {"metadata": {"made": {"password": "REDACTED"}}}))
    assert run("check", path) == 0


@pytest.mark.parametrize("metadata", ["{1: 2}", "{a: [{1: 2}]}", "[1]", "x"])
def test_metadata_that_no_test_can_have_kept_is_unsafe(
    tmp_path: Path, metadata: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(f"version: 1\ninteractions: []\nmetadata: {metadata}\n")
    assert run("check", tmp_path) == 1
    assert ": unsafe: " in capsys.readouterr().out
    assert run("scrub", tmp_path) == 1


def recorded_json(**changes: Any) -> dict[str, Any]:
    """Return an exchange as vcrpy's serializer for JSON has it, with an API key in its headers."""
    request = {"method": "GET", "uri": f"{ORIGIN}/v3/me", "body": None, "headers": {"x-api-key": [API_KEY]}}
    response = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": ""}}
    return {"request": request, "response": response} | changes


HEADS = {
    "on one line": lambda exchanges: json.dumps({"version": 1, "interactions": exchanges}),
    "sorted": lambda exchanges: json.dumps({"version": 1, "interactions": exchanges}, sort_keys=True, indent=1),
    "behind other members": lambda exchanges: json.dumps(
        {"made": {"by": [{"a": {}}]}, "version": 1, "interactions": exchanges}
    ),
    "behind a mark": lambda exchanges: "\ufeff" + json.dumps({"version": 1, "interactions": exchanges}),
    "with a long body": lambda exchanges: json.dumps(
        {"interactions": [recorded_json(response={"body": {"string": "x" * 99_000}, "status": {"code": 200}})]}
        | {"version": 1}
    ),
    "YAML": lambda exchanges: yaml.safe_dump({"version": 1, "interactions": exchanges}),
    "YAML in quotes": lambda exchanges: f'---\n# of ours\n"interactions": {json.dumps(exchanges)}\nversion: 1\n',
    "YAML behind comments": lambda exchanges: (
        f"%YAML 1.1\n---\n# a: b\n\n  # c\n{yaml.safe_dump({'version': 1, 'interactions': exchanges})}...\n"
    ),
    "YAML with old ends of lines": lambda exchanges: yaml.safe_dump(
        {"version": 1, "interactions": exchanges}, line_break="\r"
    ),
}


@pytest.mark.parametrize("write", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("name", ["a.json", "test_a", "a.yaml"])
def test_a_recording_is_known_by_its_beginning(
    tmp_path: Path, write: Any, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(write([recorded_json()]), newline="")

    assert run("check", tmp_path) == 1
    assert f"{name}, interaction 1: secret" in capsys.readouterr().out


def test_a_recording_that_nobody_can_read_is_said_to_be_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette = json.dumps({"version": 1, "interactions": [recorded_json()]})
    (tmp_path / "wide.json").write_bytes(cassette.encode("utf-16"))
    (tmp_path / "cut.json").write_text(cassette[:-9])
    (tmp_path / "flow").write_text("{version: 1, interactions: [{request: {method: GET}, response: {}}]}")

    assert run("check", tmp_path) == 1

    assert capsys.readouterr().out.count(": unsafe: ") == 3


PACT = {
    "consumer": {"name": "shop"},
    "provider": {"name": "adyen"},
    "interactions": [{"description": "x", "request": {"method": "GET", "path": "/"}, "response": {"status": 200}}],
}
ORDINARY = {
    "package.json": b'{"name": "x", "interactions": {"request": 1}}',
    "chat.json": b'{"interactions": [{"user": "a"}]}',
    "pact.json": json.dumps(PACT).encode(),
    "pacts/shop": json.dumps(PACT).encode(),
    "LICENSE": b"MIT",
    "Makefile": b"all:\n\tinteractions: x\n",
    "notes": b"how interactions: are made\n",
    "program": bytes(range(256)) * 999,
    "cassettes/README.md": b"---\ntitle: x\n---\n```yaml\ninteractions:\n- a\n```\n",
    "cassettes/make.py": b'TEXT = """\\\ninteractions:\n"""\n',
    "cassettes/make.sh": b"#!/bin/sh\ncat > x << E\ninteractions:\nE\n",
    "README": b"Write\n\ninteractions: []\n",
    "empty": b"",
    "list.json": b"[" * 70_000,
    "deep.json": b'{"interactions":' * 9_000,
    "many.json": b'{"a": ' + b'{"interactions": [{ ' * 9_000,
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_files_are_passed_over(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(ORDINARY[name])

    for command in ("check", "scrub"):
        assert run(command, folder) == 0
        assert capsys.readouterr().out.startswith("1 cassette, ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names there")
def test_what_is_no_file_is_passed_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "pipe.json")
    (folder / "gone").symlink_to(folder / "nowhere")
    (folder / "circle").symlink_to(folder / "circle")
    (folder / "up").symlink_to(folder, target_is_directory=True)

    assert run("check", folder) == 0
    assert capsys.readouterr().out.startswith("1 cassette, ")


@pytest.mark.parametrize("other", ["node_modules/x", ".git/x", ".venv/lib", "env/lib", "a/__pycache__"])
def test_folders_of_other_programs_are_left_out(folder: Path, other: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / other / "tests" / "cassettes" / "a.yaml"
    serializer.write(path, Cassette((exchange(headers=(("x-api-key", API_KEY),)),)))
    (folder / "env").mkdir(exist_ok=True)
    (folder / "env" / "pyvenv.cfg").write_text("")

    assert run("check", folder) == 0
    assert run("check", path.parent) == 1  # where it is named


def test_json_holds_what_json_can(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "a.json"
    text = json.dumps({"note": "é\u2028", "apiKey": API_KEY})
    answers = [{"body": {"string": text}}, {"body": {"base64_string": base64.b64encode(b"\xff\xfe\0").decode()}}]
    exchanges = [recorded_json(response={"status": {"code": 200}} | each) for each in answers]
    path.write_text(json.dumps({"interactions": exchanges, "version": 1}))

    assert run("scrub", path, "--write") == 0

    first, second = serializer.read(path).interactions
    assert json.loads(first.response_body)["note"] == "é\u2028"
    assert second.response_body == b"\xff\xfe\0"
    json.loads(path.read_text())


def test_what_is_wrong_with_one_file_keeps_no_other_from_being_looked_at(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.yaml").write_text("interactions: [")
    serializer.write(folder / "secret.yaml", Cassette((exchange(headers=(("x-api-key", API_KEY),)),)))

    for form in ("text", "json", "sarif"):
        with pytest.raises(AdyenCredsError, match=r"none: does not exist"):
            run("check", folder / "broken.yaml", folder / "secret.yaml", folder / "none", "--format", form)
        out, err = capsys.readouterr()
        assert "secret.yaml" in out
        assert "broken.yaml" in err
        assert "1 cassette, " in (out if form == "text" else err)
    with pytest.raises(AdyenCredsError, match=r"broken\.yaml"):
        run("check", folder / "clean.yaml", folder / "broken.yaml")
    assert "1 cassette, 0 problems" in capsys.readouterr().out


def test_nothing_to_look_at_is_no_mistake_where_that_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tests").mkdir()
    (folder / "broken.yaml").write_text("interactions: [")

    assert run("check", folder / "tests", "--if-any") == 0
    assert capsys.readouterr().out == "0 cassettes, 0 problems\n"
    assert run("check", folder / "broken.yaml", "--if-any") == 1
    assert ": unsafe: " in capsys.readouterr().out
    with pytest.raises(AdyenCredsError, match="does not exist"):
        run("check", folder / "none", "--if-any")


def test_accounts_and_secrets_given_by_hand_are_replaced(folder: Path) -> None:
    path = folder / "x.yaml"
    serializer.write(path, Cassette((exchange(b'{"detail": "AcmeCorp and sesame-1234"}'),)))
    (folder / "known.txt").write_text("sesame-1234\n")

    assert run("scrub", path, "--write", "--account", "AcmeCorp", "--secrets", folder / "known.txt") == 0

    assert "AcmeCorp" not in path.read_text()
    assert "sesame" not in path.read_text()


@pytest.mark.parametrize("form", [html.escape, FORMS["URL-encoded"], FORMS["JSON-escaped"], FORMS["wrapped"]])
def test_what_check_finds_scrub_replaces(folder: Path, form: Any) -> None:
    known = "sesame+open/the&door=42"
    (folder / "known.txt").write_text(known)
    bodies = (f"see {form(known)}.", f'{{"n": 1.50, "see": "{form(API_KEY)}"}}')
    serializer.write(folder / "x.yaml", Cassette(tuple(exchange(body.encode()) for body in bodies)))
    assert run("check", folder, "--secrets", "known.txt") == 1

    assert run("scrub", folder, "--secrets", "known.txt", "--write") == 0

    assert run("check", folder, "--secrets", "known.txt") == 0


@pytest.mark.parametrize("body", ["{apiKey: abcdefgh}", "[{apiKey: abcdefgh}]"])
def test_what_aiohttp_was_given_as_json_is_scrubbed(folder: Path, body: str) -> None:
    path = folder / "aio.yaml"
    text = serializer.dumps(Cassette((exchange(),)))
    path.write_text(text.replace("body: null", f"body: {body}"))
    assert run("check", path) == 1

    assert run("scrub", path, "--write") == 0

    assert run("check", path) == 0
    assert b"Pseudonym-000001" in serializer.read(path).interactions[0].request_body


def test_scrubbing_goes_on_after_a_file_that_cannot_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yaml").write_text("version: 2\ninteractions: []\n")
    serializer.write(folder / "b.yaml", Cassette((exchange(b'{"apiKey": "abcdefgh"}'),)))

    assert run("scrub", folder, "--write") == 1

    assert "abcdefgh" not in (folder / "b.yaml").read_text()
    assert "version 2" in capsys.readouterr().err
