"""The store in files, and the job that uses it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import AGE, record

from key_rotation import FileStore, Pending, Record, Secret
from key_rotation.__main__ import main
from pytest_adyen_creds import Credential, Leases

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OPTIONS = "--admin", "admin", "--pause", "0"


@pytest.mark.parametrize("pending", [None, Pending("a", NOW), Pending("a", NOW, Secret("new"))])
def test_a_record_comes_back(pending: Pending | None, tmp_path: Path) -> None:
    stored = Record("Shop", "S2-1", Secret("old"), NOW, pending)
    FileStore(tmp_path / "keys").save("shop", stored)
    assert FileStore(tmp_path / "keys").load("shop") == stored


def test_nobody_else_reads_it_and_nothing_shows_it(tmp_path: Path) -> None:
    stored = Record("Shop", "S2-1", Secret("the key itself"), NOW)
    FileStore(tmp_path).save("shop", stored)
    assert (tmp_path / "shop.json").stat().st_mode & 0o777 == 0o600
    assert "itself" not in f"{stored} {stored.key!r} {stored.key}"


def test_the_job_prints_no_key(
    adyen_credentials: Leases, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    store, old = FileStore(tmp_path), datetime.now(UTC) - AGE
    store.save("admin", record(adyen_credentials.lease(), old))
    store.save("shop", record(adyen_credentials.lease(roles=["Checkout webservice role"]), old))
    keys = {store.load(name).key.reveal() for name in ("admin", "shop")}
    with caplog.at_level(logging.DEBUG):
        assert main([str(tmp_path), "shop", "admin", *OPTIONS]) == 0
        assert main([str(tmp_path), "shop", *OPTIONS]) == 0
        assert main([str(tmp_path), "unknown", *OPTIONS]) == 2
    keys |= {store.load(name).key.reveal() for name in ("admin", "shop")}
    assert len(keys) == 4
    printed = caplog.text + "".join(capsys.readouterr())
    assert "shop: rotated" in printed
    assert "shop: not due" in printed
    assert not [key for key in keys if key in printed]


def test_the_job_says_when_a_person_has_to_look(adyen_credential: Credential, tmp_path: Path) -> None:
    foreign = Record("NobodysCompany", adyen_credential.id, Secret(adyen_credential.api_key.reveal()), NOW)
    FileStore(tmp_path).save("admin", foreign)
    assert main([str(tmp_path), "admin", *OPTIONS]) == 2
