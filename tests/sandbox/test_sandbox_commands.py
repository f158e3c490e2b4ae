"""The commands: serve and behaviours."""

from __future__ import annotations

import json
import os
import stat
from types import SimpleNamespace

import pytest

from pytest_adyen_creds.cli import main
from pytest_adyen_creds.sandbox import Sandbox, behaviours
from pytest_adyen_creds.secrets import SECRETS

KEY = "AQE" + "k" * 60


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command; ``serve`` announces itself and ends at once."""

    def served(server, announce):
        with server:
            announce(server.url)

    monkeypatch.setattr("pytest_adyen_creds.sandbox.server.serve_until_told", served)
    return lambda *arguments: ran(capsys, *arguments)


def ran(capsys, *arguments):
    status = main(["sandbox", *arguments])
    said = capsys.readouterr()
    return SimpleNamespace(exit_code=status, stdout=said.out, stderr=said.err, output=said.out + said.err)


def test_behaviours_lists_every_rule_with_its_evidence_and_source(run):
    shown = run("behaviours")
    assert shown.exit_code == 0
    for rule in behaviours():
        assert f"{rule.evidence:<10}  {rule.id.partition('.')[2]}: {rule.says}\n" in shown.output
        assert f"source: {rule.source}\n" in shown.output
    assert f"{len(behaviours())} rules: " in shown.output.splitlines()[-1]


def test_behaviours_lists_the_same_in_json(run):
    listed = json.loads(run("behaviours", "--format", "json").output)
    assert len(listed) == len(behaviours()) >= 40
    for rule in listed:
        assert set(rule) == {"id", "subject", "says", "evidence", "source"}
        assert all(rule.values())


def test_serve_prints_the_environment_ready_to_copy_and_never_the_key(run, tmp_path):
    file = tmp_path / "key file"
    shown = run(
        "serve", "--company", "MyCompany", "--merchant", "One", "--merchant", "Two", "--api-key-file", str(file)
    )
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("export ADYEN_BASE_URL=http://127.0.0.1:")
    assert lines[0].endswith("/v3")
    assert lines[1:] == [
        "export ADYEN_COMPANY_ACCOUNT=MyCompany",
        "export ADYEN_MERCHANT_ACCOUNT=One",
        f"export ADYEN_MANAGEMENT_API_KEY_FILE='{file}'",
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("AQE")
    assert file.read_text().strip() not in shown.output


def test_serve_takes_the_key_that_is_there(run, tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    made = []
    monkeypatch.setattr(
        "pytest_adyen_creds.sandbox.commands.Sandbox", lambda *a, **k: made.append(k["api_key"]) or Sandbox(*a, **k)
    )
    assert run("serve", "--api-key-file", str(file), "--api-version", "v1").stdout.splitlines()[0].endswith("/v1")
    assert made[0].reveal() == KEY
    assert file.read_text() == KEY + "\n"
    assert KEY not in SECRETS.mask(f"key: {KEY}")


def test_serve_starts_with_ids_and_keys_of_its_own_and_answers_as_asked(run, monkeypatch):
    made = []
    monkeypatch.setattr(
        "pytest_adyen_creds.sandbox.commands.Sandbox", lambda *a, **k: made.append(Sandbox(*a, **k)) or made[-1]
    )
    for options in ((), (), ("--seed", "7"), ("--seed", "7", "--answers", "published")):
        assert run("serve", *options).exit_code == 0
    assert [sandbox.answers for sandbox in made] == ["platform"] * 3 + ["published"]
    one, other, seeded, published = (sandbox.provisioning for sandbox in made)
    assert (one.id, one.api_key) != (other.id, other.api_key)
    assert seeded.api_key == published.api_key == Sandbox(seed=7).provisioning.api_key


def test_serve_leaves_no_key_behind_that_nobody_asked_for(run):
    from pathlib import Path

    shown = run("serve")
    file = Path(shown.stdout.splitlines()[3].removeprefix("export ADYEN_MANAGEMENT_API_KEY_FILE="))
    assert file.is_absolute()
    assert not file.exists()
    assert not file.parent.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "70000"], "not in the range"),
        (["--port", "http"], "not a valid integer"),
        (["--company", "my company"], "no account name"),
        (["--merchant", "a/b"], "no account name"),
        (["--merchant", "M", "--merchant", "M"], "each once"),
        (["--propagation-delay", "-1"], "not in the range"),
        (["--requests-per-minute", "0"], "not in the range"),
        (["--api-version", "v2"], "v2"),
        (["--api-key-file", "{tmp}"], "is a directory"),
        (["--api-key-file", "{tmp}/no/such/folder/key"], "cannot be written"),
        (["--api-key-file", "{tmp}/empty"], "is empty"),
        (["--api-key-file", "{tmp}/short"], "holds no API key"),
        (["--api-key-file", "{tmp}/lines"], "holds no API key"),
        (["--api-key-file", "{tmp}/binary"], "not UTF-8"),
        (["--api-key-file", "{tmp}/huge"], "larger than"),
        (["--api-key-file", "{tmp}/live"], "live key"),
        (["--unknown"], "No such option"),
    ],
)
def test_what_cannot_be_served_is_2_and_one_line(run, tmp_path, arguments, said):
    files = {
        "empty": b"",
        "short": b"AQE",
        "lines": KEY.encode() + b"\n" + KEY.encode(),
        "binary": b"\xff" * 40,
        "huge": b"k" * 100_000,
        "live": b"live_" + b"K" * 32,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    shown = run("serve", *(argument.replace("{tmp}", str(tmp_path)) for argument in arguments))
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert shown.stderr.startswith("adyen-creds: ")
    assert len(shown.stderr.splitlines()) == 1
    assert said in shown.stderr
    assert "Traceback" not in shown.output


def test_a_taken_port_is_2_and_one_line(capsys):
    with Sandbox().serve() as server:
        shown = ran(capsys, "serve", "--port", str(server.port))
    assert shown.exit_code == 2
    assert (
        shown.stderr
        == f"adyen-creds: port {server.port} cannot be had (Address already in use); give another, or 0 for any\n"
    )


def test_a_file_that_may_not_be_read_is_2_and_one_line(run, tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("this user may read everything")
    assert run("serve", "--api-key-file", str(file)).exit_code == 2
