"""``cassettes check`` finds recordings whose test is gone without a run, and leaves alone what may be in use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import counts
import pytest

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.commands import cassettes
from pytest_adyen_creds.cassettes.model import Cassette, Provenance
from pytest_adyen_creds.contract import load_contract
from pytest_adyen_creds.secrets import SECRETS, SecretRegistry

ROOT = Path(__file__).resolve().parents[2]
OURS = Provenance("sandbox", "2026-11-22T00:41:20Z", "v3", load_contract("v3").digest, "pytest-adyen-creds 0.1.0")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ADYEN_MANAGEMENT_API_KEY", raising=False)
    for name, value in vars(SecretRegistry()).items():  # what other tests of this process met is no problem here
        monkeypatch.setattr(SECRETS, name, value)
    return tmp_path


def recorded(*names: str, provenance: Provenance | None = OURS) -> None:
    for name in names:
        serializer.write(Path("cassettes", f"{name}.yaml"), Cassette((), provenance))


def check(*arguments: object) -> int:
    status = cassettes.main(["check", *map(str, arguments or ["."])], standalone_mode=False)
    return status if isinstance(status, int) else 0


def orphans(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, str]:
    """Return the names of the orphans that the command finds, each with its message."""
    status = check(*(arguments or ["."]), "--format", "json")
    found = json.loads(capsys.readouterr().out)
    assert status == (1 if found else 0)
    assert all(each["kind"] == "orphan" for each in found)
    return {Path(each["path"]).stem: each["message"] for each in found}


def test_a_test_that_is_gone_or_renamed_leaves_an_orphan(capsys: pytest.CaptureFixture[str]) -> None:
    Path("test_shop.py").write_text(
        "def test_kept(monkeypatch):\n  monkeypatch.setattr('shop.x', 1)\nasync def test_new_name(): db.exec('x')\n"
    )
    recorded("test_shop/test_kept", "test_shop/test_gone", "test_shop/test_old_name")

    assert orphans(capsys) == {
        "test_gone": "test_shop.py has no test test_gone; remove it, or rename it as its test was",
        "test_old_name": "test_shop.py has no test test_old_name; remove it, or rename it as its test was",
    }


@pytest.mark.parametrize("content", ["", "# nothing left\n", "import os\n"])
def test_a_file_without_tests_leaves_orphans(content: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("test_shop.py").write_text(content)
    recorded("test_shop/test_a")

    assert list(orphans(capsys)) == ["test_a"]


def test_a_file_that_is_gone_leaves_orphans(capsys: pytest.CaptureFixture[str]) -> None:
    recorded("test_shop/test_a", "test_shop/TestLife.test_b[x]")

    assert orphans(capsys) == dict.fromkeys(
        ("test_a", "TestLife.test_b[x]"),
        "its test file test_shop.py does not exist; remove it, or rename it as its test was",
    )


@pytest.mark.parametrize("where", [".", "tests", "tests/cassettes", "tests/cassettes/test_shop", "FILE"])
def test_it_is_the_same_wherever_one_looks_from(
    folder: Path, where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("tests").mkdir()
    monkeypatch.chdir("tests")
    Path("test_shop.py").write_text("def test_a(): ...\n")
    recorded("test_shop/test_a", "test_shop/test_gone")
    path = folder / "tests/cassettes/test_shop/test_gone.yaml" if where == "FILE" else folder / where
    monkeypatch.chdir(path if path.is_dir() else path.parent)

    assert list(orphans(capsys, path.name if path.is_file() else ".")) == ["test_gone"]
    monkeypatch.chdir("/")
    assert list(orphans(capsys, path)) == ["test_gone"]


def test_classes_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    Path("test_shop.py").write_text(
        """
import unittest

class Base:
    def test_inherited(self): ...

class TestOne(Base):
    if True:
        def test_a(self): ...
    test_b = test_a
    class TestInner:
        def test_c(self): ...

class TestTwo(unittest.TestCase):
    def test_d(self): ...

def test_e(): ...
"""
    )
    kept = [
        "TestOne.test_a",
        "TestOne.test_b",
        "TestOne.test_inherited",
        "TestInner.test_c",
        "TestTwo.test_d",
        "test_e",
    ]
    gone = ["TestOne.test_c", "TestTwo.test_a", "TestGone.test_a", "test_a", "TestOne.test_e"]
    recorded(*(f"test_shop/{name}" for name in [*kept, *gone]))

    assert sorted(orphans(capsys)) == sorted(gone)


def test_parameters_are_no_part_of_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    Path("test_shop.py").write_text(
        "import pytest\n@pytest.mark.parametrize('x', load())\ndef test_a(x): ...\nclass TestB:\n  def test_b(s): ...\n"
    )
    recorded(
        "test_shop/test_a[1]", "test_shop/test_a[v3.x-..-y]", "test_shop/TestB.test_b[a.b]", "test_shop/test_a_[1]"
    )
    recorded("test_shop/test_a[" + "x" * 150 + "...0123456789abcdef0123456789abcdef", "test_shop/test_a")

    assert list(orphans(capsys)) == ["test_a_[1]"]


def test_a_cassette_beside_that_of_pytest_recording(capsys: pytest.CaptureFixture[str]) -> None:
    Path("test_shop.py").write_text("import pytest\n@pytest.mark.vcr\ndef test_a(): ...\n")
    recorded("test_shop/test_a.adyen", "test_shop/test_gone.adyen", "test_shop/TestX.test_a[1].adyen")
    recorded("test_shop/test_a", "test_shop/test_gone", "shared/login", provenance=None)

    assert sorted(orphans(capsys)) == ["TestX.test_a[1].adyen", "test_gone.adyen"]


@pytest.mark.parametrize(
    "module",
    [
        "from base import *\n",
        "from base import Shop\nclass TestShop(Shop): ...\n",
        "import base\nclass TestShop(base.Shop): ...\n",
        "import base\nclass Mine(base.Shop): ...\nclass TestShop(Mine): ...\n",
        "class TestShop(metaclass=make): ...\n",
        "from base import TestShop\n",
        "try:\n  from base import TestShop\nexcept ImportError:\n  TestShop = None\n",
        "TestShop = type('TestShop', (), {})\n",
        "for name in ['TestShop']:\n  globals()[name] = make(name)\n",
        "class TestShop: ...\nfor name in names:\n  setattr(TestShop, name, make(name))\n",
        "from pytest_bdd import scenarios\nscenarios('x.feature')\n",
        "import pytest_bdd\npytest_bdd.scenarios('x.feature')\n",
        "@parameterized_class([1])\nclass TestSho: ...\n",
        "class TestShop:\n  @parameterized.expand([1])\n  def test_lo(self): ...\n",
    ],
)
def test_a_test_that_the_file_may_get_elsewhere_is_no_orphan(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("test_shop.py").write_text(module.replace("TestSho:", "Test:").replace("test_lo(", "test("))
    recorded("test_shop/Test_0.test_login" if "TestSho:" in module else "test_shop/TestShop.test_login")

    assert orphans(capsys) == {}


@pytest.mark.parametrize(
    "hook", ["pytest_collect_file(file_path, parent)", "pytest_pycollect_makeitem(collector, name, obj)"]
)
def test_tests_that_a_conftest_makes_are_no_orphans(
    folder: Path, hook: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("conftest.py").write_text(f"def {hook}: ...\n")
    Path("tests").mkdir()
    monkeypatch.chdir("tests")
    Path("test_shop.py").write_text("checks = [1]\n")
    recorded("test_shop/made", "elsewhere/made")

    assert orphans(capsys) == {}
    (folder / "conftest.py").write_text("def pytest_generate_tests(metafunc): ...\n")
    assert sorted(orphans(capsys)) == ["made"]


def test_tests_of_another_kind_of_file_are_no_orphans(capsys: pytest.CaptureFixture[str]) -> None:
    Path("test_steps.feature").write_text("Scenario: login\n")
    Path("shop.py").write_text("def pay(): ...\n")
    recorded("test_steps/login", "shop/shop.pay", "shop/a.shop.pay")

    assert orphans(capsys) == {}


HOSTILE = {
    "no Python": b"def broken(:\n",
    "zeros": b"\0\0\0",
    "no UTF-8": b"x = '\xff'\n",
    "unknown encoding": b"# -*- coding: red -*-\n",
    "escapes": b"x = \x1b[31m\n",
    "deep": b"x = " + b"(" * 50_000,
    "deep signs": b"x = " + b"-" * 50_000 + b"1",
    "deep names": b"x = a" + b".a" * 50_000,
    "deep calls": b"x = a" + b"()" * 50_000,
    "a long sum": b"x = 1" + b"+1" * 50_000,
    "large": b"#" * (2 * 1024 * 1024 + 1),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("file", ["test_shop.py", "conftest.py"])
def test_a_hostile_or_broken_file_gets_one_line(name: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("test_shop.py").write_bytes(b"")
    Path(file).write_bytes(HOSTILE[name])
    recorded("test_shop/test_a", "test_shop/test_b")

    assert check() == 0

    shown = capsys.readouterr()
    assert shown.out == "2 cassettes, 0 problems\n"
    assert shown.err.startswith(f"{file}: ")
    assert shown.err.endswith("; mend it; until then nothing tells whether its cassettes are orphans\n")
    assert shown.err.count("\n") == 1
    assert "\x1b" not in shown.err


def test_a_file_that_nobody_may_read_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    recorded("test_shop/test_a")
    Path("test_shop.py").mkdir()
    assert orphans(capsys) == {}
    Path("test_shop.py").rmdir()
    os.mkfifo("test_shop.py")
    assert orphans(capsys) == {}


def test_a_file_that_warns_when_it_is_read_warns_nobody(recwarn: pytest.WarningsRecorder) -> None:
    Path("test_shop.py").write_text("x = '\\d'\ndef test_a(): ...\n")
    recorded("test_shop/test_a")

    assert check() == 0
    assert not recwarn.list


def test_no_test_file_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("test_shop.py", "conftest.py"):
        Path(name).write_text("open('ran', 'w')\ndef test_a(): ...\n")
    recorded("test_shop/test_a", "test_shop/test_b")

    assert list(orphans(capsys)) == ["test_b"]
    assert not Path("ran").exists()


@pytest.mark.slow("all recordings")
def test_the_suites_own_cassettes_are_no_orphans(capsys: pytest.CaptureFixture[str]) -> None:
    recorded("v3/get-me", "v3/stateful", "management/v3/get-me", "management/v3/stateful")

    assert orphans(capsys) == {}
    assert check(ROOT / "cassettes") == 0
    assert capsys.readouterr().out == f"{2 * counts.items()} cassettes, 0 problems\n"


def test_a_checkout_that_never_ran_is_checked(folder: Path) -> None:
    Path("test_shop.py").write_text("def test_a(adyen_client): ...\n")
    recorded("test_shop/test_a", "test_shop/test_gone")
    command = [sys.executable, "-m", "pytest_adyen_creds.cli", "cassettes", "check", "."]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stdout.startswith("cassettes/test_shop/test_gone.yaml: orphan: test_shop.py has no test test_gone; ")
    assert not list(folder.glob(".*"))
