"""Paths of settings and files that change while tests run: one line, and the summary, whatever they are."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from pytest_adyen_creds.cassettes.paths import cassette_path
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.client import Clock
from pytest_adyen_creds.contract.contract import load_contract
from pytest_adyen_creds.errors import AdyenCredsError, CassetteError, SettingsError
from pytest_adyen_creds.settings import resolve

USING = "def test_it(adyen_client): adyen_client.get('/me')"

PATHS = {
    "long": "a" * 300,
    "very long": "a" * 5000,
    "deep": "a/" * 2500,
    "NUL": "a\0b",
    "ESC": "a\x1b[31mb",
    "surrogate": "a\udcffb",
    "half a surrogate pair": "a\ud800b",
    "right to left": "a\u202eb",
    "a stranger's": "~no-such-user/x",
    "nobody's": "~nobody/x",
    "circle": "circle",
    "below a circle": "circle/x",
    "file": "file",
    "below a file": "file/x",
}
INI = ("adyen_contracts", "adyen_cassettes", "adyen_drift_baseline", "adyen_report")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a current folder with a file and a link that leads in a circle."""
    (tmp_path / "file").write_text("x\n")
    (tmp_path / "circle").symlink_to("circle")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_one_line(text: str) -> None:
    assert text.isprintable()
    assert len(text) < 6000


@pytest.mark.parametrize("recording", [False, True], ids=["", "recording"])
@pytest.mark.parametrize("name", INI)
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_path_of_the_ini_file(name: str, path: str, recording: bool, place: Path) -> None:
    path += ".json" if name == "adyen_report" else ""
    # nothing is wrong with the name of what is yet to be made; of what is not there, others tell who read it
    may_be = name in ("adyen_drift_baseline", "adyen_report") or (recording and name == "adyen_cassettes")
    is_one = path.startswith(("file", "a\x1b", "a\udcff", "a\u202e", "~nobody", "circle.json"))
    is_below_a_file = name == "adyen_cassettes" and path.startswith("file")
    with nullcontext() if may_be and is_one and not is_below_a_file else pytest.raises(SettingsError) as told:
        resolve({"adyen_record": "all"} if recording else {}, {name: path}, {}, root=place)
    if told is not None:
        assert str(told.value).startswith(f"ini {name}: ")
        assert_one_line(str(told.value))


@pytest.mark.parametrize("name", INI)
@pytest.mark.parametrize("path", ["long", "very long", "ESC", "a stranger's", "below a file", "circle"])
def test_a_run_with_such_a_path(name: str, path: str, pytester: pytest.Pytester) -> None:
    text = PATHS[path] + (".json" if name == "adyen_report" else "")
    pytester.path.joinpath("circle").symlink_to("circle")
    pytester.path.joinpath("circle.json").symlink_to("circle.json")
    pytester.path.joinpath("file").write_text("x\n")
    pytester.makeini(f"[pytest]\n{name} = {text}\n")
    pytester.makepyfile(USING)
    result = pytester.runpytest_inprocess()
    if name == "adyen_report" and path == "ESC":  # a file can be called so
        assert result.ret == 0
    else:
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert len([line for line in result.errlines if line.strip()]) == 1
    said = result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in said
    assert "Traceback" not in said
    assert "\x1b[31mb" not in said


COMMANDS = (
    ["check", "--contracts=PATH"],
    ["check", "--cassettes=PATH"],
    ["check", "--baseline=PATH"],
    ["cassettes", "check", "PATH"],
    ["cassettes", "check", ".", "--secrets=PATH"],
    ["cassettes", "scrub", "PATH"],
    ["contract", "list", "--contracts=PATH"],
    ["contract", "lint", "PATH"],
    ["contract", "validate", "MeApiCredential", "PATH"],
    ["drift", "spec", "PATH"],
    ["drift", "spec", "file", "--against=PATH"],
    ["drift", "response", "--operation=GET /me", "--status=200", "PATH"],
    ["drift", "cassettes", "PATH"],
    ["sandbox", "compare", "PATH"],
    ["sandbox", "compare", "PATH.har"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_path_of_a_command(command: list[str], path: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if command == ["cassettes", "check", ".", "--secrets=PATH"] and path == "file":
        path = "."
    assert main([word.replace("PATH", path) for word in command]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_line(err.removesuffix("\n"))


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_document_that_extends_another(path: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = place / "contracts" / "v3"
    folder.mkdir(parents=True)
    quoted = path.replace("\0", "\\0").replace("\x1b", "\\e").encode("utf-8", "replace").decode()
    (folder / "openapi.yaml").write_text(f'x-extends: "{quoted}"\n')
    with pytest.raises(AdyenCredsError):
        load_contract("v3", place / "contracts")
    assert main(["contract", "list", "--contracts=contracts"]) == 2
    assert_one_line(capsys.readouterr().err.removesuffix("\n"))


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "ADYEN_MANAGEMENT_API_KEY_FILE"])
@pytest.mark.parametrize("path", ["a" * 300, "a/" * 2500, "a\x1b[31mb", "a\udcffb", "circle/x", "file/x", "file"])
def test_a_path_of_the_environment(
    variable: str, path: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(place / "state"))
    monkeypatch.setenv(variable, str(place / path))
    monkeypatch.setattr(Clock, "sleep", lambda clock, seconds: None)  # before it asks again
    assert main(["doctor", "--base-url=http://127.0.0.1:9/v3", "--company=C"]) in (1, 2)
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    for line in (out + err).splitlines():
        assert_one_line(line)


def test_a_cassette_that_is_a_link_to_itself(tmp_path: Path) -> None:
    folder = tmp_path / "cassettes" / "test_x"
    folder.mkdir(parents=True)
    for name, target in (("one", "one"), ("two", "three"), ("three", "two")):
        (folder / f"{name}.yaml").symlink_to(f"{target}.yaml")
    for name in ("one", "two", "three"):
        with pytest.raises(CassetteError, match="a link that leads in a circle; remove it"):
            cassette_path(tmp_path / "test_x.py", None, name)
    (tmp_path / "cassettes" / "test_y").symlink_to("test_y")
    with pytest.raises(CassetteError, match="a link that leads in a circle; remove it"):
        cassette_path(tmp_path / "test_y.py", None, "test_one")


LINKS = {
    "out of the folder": "test_it.yaml -> /etc/hostname",
    "to itself": "test_it.yaml -> test_it.yaml",
    "of another's out of the folder": "test_other.yaml -> /etc/hostname",
    "of another's to itself": "test_other.yaml -> test_other.yaml",
    "of another's to nowhere": "test_other.yaml -> nowhere.yaml",
    "of another's to a device": "test_other.yaml -> /dev/zero",
}


@pytest.mark.slow("eighteen runs of pytest")
@pytest.mark.parametrize("arguments", [(), ("--adyen-report=r.json",), ("--adyen-record=all",)], ids=" ".join)
@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_a_link_among_the_cassettes(link: str, arguments: tuple[str, ...], pytester: pytest.Pytester) -> None:
    name, target = link.split(" -> ")
    folder = pytester.mkdir("cassettes") / "test_it"
    folder.mkdir()
    (folder / name).symlink_to(target)
    pytester.makepyfile(test_it=USING)
    result = pytester.runpytest_inprocess(*arguments)
    result.assert_outcomes(**({"errors": 1} if name == "test_it.yaml" else {"passed": 1}))
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_a_pipe_among_the_cassettes(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("cassettes") / "test_it"
    folder.mkdir()
    os.mkfifo(folder / "test_other.yaml")
    pytester.makepyfile(test_it=USING)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "does", "says"),
    [
        (
            ("-o", "adyen_contracts=own"),
            "(root / 'own/known-deviations.toml').write_text('[[['); answered('v1')",
            "known-deviations.toml: is not TOML",
        ),
        (
            ("-o", "adyen_contracts=own", "--junitxml=junit.xml"),
            "(root / 'own/known-deviations.toml').write_text('a = 1'); answered('v1')",
            "known-deviations.toml: a baseline holds",
        ),
        (
            (),
            "run.opened.callback(lambda: (root / 'gone').read_text())",
            "could not put away what the run opened: FileNotFoundError",
        ),
        (
            (),
            "run.opened.callback(lambda: exec('raise CassetteError(\"no.yaml: is gone; record it\")'))",
            "could not put away what the run opened: no.yaml: is gone; record it",
        ),
    ],
)
def test_what_goes_wrong_at_the_end_is_a_line_before_the_summary(
    arguments: tuple[str, ...], does: str, says: str, pytester: pytest.Pytester
) -> None:
    own = pytester.mkdir("own")
    bundled = Path(__file__).resolve().parents[2] / "contracts" / "management"
    for path in (*bundled.glob("v?/**/*"), bundled / "known-deviations.toml"):
        if path.is_file():
            copy = own / path.relative_to(bundled)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    pytester.makepyfile(
        f"""
        from pathlib import Path
        from pytest_adyen_creds.errors import CassetteError
        from pytest_adyen_creds.stash import RUN

        def test_it(adyen_client, request):
            root, run = Path(request.config.rootpath), request.config.stash[RUN]
            def answered(version):
                run.results.collector.versions.add(version)
            {does}
        """
    )
    result = pytester.runpytest_inprocess("--adyen-drift=report", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = result.stdout.str()
    assert len([line for line in said.splitlines() if says in line]) >= 1
    assert "1 passed" in said
    assert "Traceback" not in said + result.stderr.str()
