"""Files that a parser cannot bear: status 2 and one line, in no time, from whichever command reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract.baseline import read_baseline

LONG = "9" * 5000
ENTRY = '[[accepted]]\nid = "x"\nreason = "r"\n'
OPENAPI = '{"openapi": "3.1.0", "paths": {"/me": {"get": {"responses": {"200": {"description": "d"}}}}}, %s}'

TOML = {
    "many dots": ("a" + ".b" * 3000 + " = 1", "joined to one key"),
    "many dots in a header": ("[a" + ".b" * 3000 + "]", "joined to one key"),
    "many dots and blanks": ("a" + " \t. b" * 3000 + " = 1", "joined to one key"),
    "many dots of quoted names": ('"a"' + """.'b'."c" """ * 1500 + "= 1", "joined to one key"),
    "many dots in an inline table": ("t = {a" + ".b" * 3000 + " = 1}", "joined to one key"),
    "many dots after a text": ('x = """\n"quoted" \\""""\na' + ".b" * 3000 + " = 1", "joined to one key"),
    "deep arrays": ("a = " + "[" * 3000, "nested deeper"),
    "deep tables": ("a = " + "{a=" * 3000, "nested deeper"),
    "deep arrays and tables": ("a = " + "[{a=" * 3000, "nested deeper"),
    "brackets alone": ("[" * 50_000, "nested deeper"),
    "a long number": (f"a = {LONG}", "more than 500 digits"),
    "a long number in hex": (f"a = 0x{'f' * 4000}", "more than 500 digits"),
    "a long number with underscores": (f"a = -1{'_1' * 3000}", "more than 500 digits"),
    "a long number in a list": (f"a = [1,{LONG}]", "more than 500 digits"),
    "too large": ("#" * (4 * 1024 * 1024 + 1), "larger than 4 MiB"),
    "no UTF-8": ("\udcff", "UTF-8"),
}

OLDER = {"no UTF-8": "\udcff", "a bracket alone": "[", "too large": TOML["too large"][0], "no section": "x = 1"}

YAML = {
    "a version in hex": f"version: 0x{'f' * 4000}\ninteractions: []\n",
    "a version of many digits": f"version: {LONG}\ninteractions: []\n",
    "a version of base 60": f"version: 1{':1' * 3000}\ninteractions: []\n",
    "a fraction of base 60": f"version: 1{':1' * 200}.5\ninteractions: []\n",
    "a version in bits": f"version: 0b{'1' * 9000}\ninteractions: []\n",
    "a tag that is not so": "version: !!bool perhaps\ninteractions: []\n",
    "a day that is none": "version: !!timestamp soon\ninteractions: []\n",
    "a number that is none": "version: !!int ''\ninteractions: []\n",
    "JSON": f'{{"version": {LONG}, "interactions": []}}',
    "JSON with a negative": f'{{"version": -{LONG}, "interactions": []}}',
    "a status": "version: 1\ninteractions:\n- request: {method: GET, uri: /}\n"
    f"  response: {{status_code: 0x{LONG}}}\n",
    "the context": f"version: 1\ncontext: {{a: {LONG}}}\ninteractions: []\n",
}


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("adyen-creds: ")
    assert len(err.splitlines()) == 1
    assert len(err) < 500
    assert err.isascii()
    assert err.removesuffix("\n").isprintable()
    return err


def written(path: Path, text: str) -> str:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return str(path)


@pytest.mark.parametrize("case", TOML)  # by name: some are long
def test_a_baseline(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, says = TOML[case]
    baseline = written(tmp_path / "b.toml", text)
    body = written(tmp_path / "me.json", "{}")
    told = refused(["drift", "response", "--operation=GET /me", "--status=200", f"--baseline={baseline}", body], capsys)
    assert says in told


@pytest.mark.parametrize("name", ["pyproject.toml", "pytest.toml", ".pytest.toml"])
@pytest.mark.parametrize("case", TOML)
def test_a_configuration(
    name: str, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, says = TOML[case]
    written(tmp_path / name, text)
    monkeypatch.chdir(tmp_path)
    assert says in refused(["doctor"], capsys)


@pytest.mark.parametrize("name", ["pytest.ini", "tox.ini", "setup.cfg"])
@pytest.mark.parametrize("case", OLDER)
def test_a_configuration_of_the_older_form(
    name: str, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / name, OLDER[case])
    monkeypatch.chdir(tmp_path)
    assert name in refused(["doctor"], capsys)


def test_what_only_looks_like_it_is_read(tmp_path: Path) -> None:
    text = f"""{ENTRY}location = "{".a" * 50}[[[{LONG}" # {".a" * 50}{"[" * 80}{LONG}
message = '''"{".a" * 50}' {"[" * 80}''{LONG}'''
[[accepted]]
id = "1{".1" * 50}"
reason = \"\"\"{LONG} \\\"\"\" '{"{" * 80}\"\"\"\"
"""
    assert len(read_baseline(written(tmp_path / "b.toml", text)).entries) == 2


@pytest.mark.parametrize("text", ["", "\ufeff[tool.other]\na.b.c.d = 1\n"], ids=["empty", "with a mark"])
def test_a_configuration_without_options_is_read(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "pyproject.toml", text)
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--base-url=http://127.0.0.1:9/v3"]) == 1
    assert "pyproject.toml" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("text", YAML.values(), ids=YAML)
def test_a_cassette(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "cassette.yaml", text)
    assert "record it again" in refused(["cassettes", "check", path], capsys)
    assert "record it again" in refused(["drift", "cassettes", path], capsys)
    assert "record it again" in refused(["sandbox", "compare", path], capsys)
    folder = tmp_path / "cassettes"
    folder.mkdir()
    Path(path).rename(folder / "a.yaml")
    assert main(["cassettes", "scrub", str(folder)]) == 1
    out, err = capsys.readouterr()
    assert "1 unreadable" in out
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "member",
    [
        f'"x": {LONG}',
        f'"x": [{{"y": -{LONG}}}]',
        f'"components": {{"schemas": {{"A": {{"type": "integer", "maximum": {LONG}}}}}}}',
    ],
)
def test_a_specification(member: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "spec.json", OPENAPI % member)
    assert "more than 500 digits" in refused(["drift", "spec", path], capsys)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("exclusiveMaximum", 10**400), ("exclusiveMinimum", -(10**400)), ("maximum", 10**400), ("multipleOf", 10**400)],
)
def test_a_limit_that_no_fraction_can_hold(
    keyword: str, value: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = {"type": "integer", keyword: value}
    answer = {"200": {"content": {"application/json": {"schema": {"properties": {"a": schema}}}}}}
    old = {"openapi": "3.1.0", "paths": {"/me": {"get": {"responses": {"200": {}}}}}}
    new = {"openapi": "3.1.0", "paths": {"/me": {"get": {"responses": answer}}}}
    paths = [written(tmp_path / f"{number}.json", json.dumps(each)) for number, each in enumerate((old, new))]
    assert main(["drift", "spec", paths[1], "--against", paths[0]]) == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == ["to accept it"]
    assert main(["drift", "spec", paths[1], "--against", paths[1]]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("body", [LONG, f"[{LONG}]", f'{{"id": {LONG}}}', f'{{"id": -{LONG}.5}}'])
def test_a_body(body: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "body.json", body)
    if ".5" in body:  # a fraction is as long as its writer likes: Python rounds it
        assert main(["contract", "validate", "MeApiCredential", path]) == 1
    else:
        assert "more than 500 digits" in refused(["contract", "validate", "MeApiCredential", path], capsys)


def test_a_har_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "a.har", f'{{"log": {{"entries": [{{"response": {{"status": {LONG}}}}}]}}}}')
    assert "more than 500 digits" in refused(["sandbox", "compare", path], capsys)


def test_a_number_of_the_longest_kind_is_printed(tmp_path: Path) -> None:
    text = f"version: 0x{'f' * 498}\ninteractions: []\n"
    with pytest.raises(serializer.CassetteError, match=r"version [0-9]{500}"):
        serializer.loads(text, "a.yaml")
