"""No secret that a test meets is in anything that its run prints or writes, cassettes included."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from cassettes_canaries import leaks, run, written
from cassettes_libraries import LIBRARIES
from plugins import ALONE

pytestmark = pytest.mark.slow("processes of their own: what they print is searched")


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", ALONE)
    for name in ("PYTEST_XDIST_WORKER", "ADYEN_MANAGEMENT_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_no_canary_is_printed_or_written(tmp_path: Path, more: tuple[str, ...]) -> None:
    folder = tmp_path / "run"
    printed, secrets = run(folder, 2, *more)

    count = len(LIBRARIES)
    assert f"{2 * count + 1} failed, {count + 1} passed" in printed, printed[-2000:]
    assert "1 error" in printed
    assert len(set(secrets)) == (2 + 2 + 1) * 5 * count + 2 * 5
    assert len(list(folder.rglob("*.yaml"))) == count
    assert "[masked]" in printed
    for name, text in [("(printed)", printed), *written(folder)]:
        assert len(leaks(text, secrets)) == 0, name
    assert "PSEUDONYM" in "".join(text for name, text in written(folder) if name.endswith(".yaml"))


@pytest.mark.parametrize(
    "spelled",
    [
        lambda secret: secret,
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.b64encode(f"ws@Company.Shop:{secret}".encode()).decode(),
        lambda secret: quote(secret, safe=""),
        lambda secret: json.dumps(secret)[1:-1],
        lambda secret: f"{secret[:20]}\n      {secret[20:]}",
    ],
    ids=["raw", "base64", "basic", "url", "json", "wrapped"],
)
def test_the_search_itself_finds_each_form(spelled) -> None:
    secret = 'canary/+="\\secret-0123456789-abcdefghij'
    assert leaks(f"before {spelled(secret)} after", [secret])
