"""``adyen-creds contract`` takes the contracts of the project's ini option, and says what to do about unknown names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shop import DOCUMENT

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract.importing import import_openapi, write_contract


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_contract(import_openapi(DOCUMENT, "-", name="shop/v2"), tmp_path / "contracts")
    (tmp_path / "pytest.ini").write_text("[pytest]\nadyen_contracts = contracts\n")
    body = load_contract("shop/v2", tmp_path / "contracts").example_webhook("order.paid")
    (tmp_path / "paid.json").write_text(json.dumps(body))
    (tmp_path / "me.json").write_text(json.dumps(load_contract().example("GET /me", 200)))
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    capsys.readouterr()
    got = main(["contract", *arguments])
    out, err = capsys.readouterr()
    assert got == status, out + err
    return out + err


def test_validate_finds_the_name_in_the_folder_of_the_ini_option(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no violations of order.paid (shop/v2)" in said(capsys, "validate", "order.paid", "paid.json")
    said(capsys, "validate", "order.paid", "me.json", status=1)


def test_what_the_folder_has_not_is_the_bundled_contracts(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "of MeApiCredential (v3)" in said(capsys, "validate", "MeApiCredential", "me.json")
    assert "26 operations" in said(capsys, "list")
    assert main(["drift", "response", "--operation", "GET /me", "--status", "200", "me.json"]) == 0


def test_an_api_is_one_of_the_folder(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "order.paid" in said(capsys, "list", "--api", "shop")
    assert "/orders" in said(capsys, "export", "--api", "shop")
    assert "26 operations" in said(capsys, "list", "--api", "management")
    assert "contracts there: shop/v2" in said(capsys, "list", "--api", "shoes", status=2)
    assert "shop/v2: no problems" in said(capsys, "lint")


def test_a_folder_that_is_named_goes_before_the_ini_option(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pytest.ini").write_text("[pytest]\nadyen_contracts = gone\n")
    assert "(shop/v2)" in said(capsys, "validate", "order.paid", "paid.json", "--contracts", "contracts")
    assert "gone is no folder" in said(capsys, "validate", "order.paid", "paid.json", status=2)


def test_a_contract_of_ones_own_of_the_management_api_is_the_default(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = load_contract().to_openapi()
    document["paths"] = {"/me": document["paths"]["/me"]}
    write_contract(import_openapi(document, "-", name="management/v3"), project / "contracts")
    assert "\n1 operation\n" in said(capsys, "list")


@pytest.mark.parametrize("has_folder", [True, False])
def test_an_unknown_name_is_answered_with_what_to_do(
    project: Path, capsys: pytest.CaptureFixture[str], has_folder: bool
) -> None:
    if not has_folder:
        (project / "pytest.ini").unlink()
    error = said(capsys, "validate", "order.payd", "paid.json", status=2)
    assert error.count("\n") == 1
    assert all(each in error for each in ("--contracts", "adyen_contracts", "adyen-creds contract import"))
    assert ("did you mean order.paid" in error) == has_folder
    assert error.count("ApiCredential") == 0, "not all the names that there are"


def test_a_name_of_several_contracts_asks_which(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_contract(import_openapi(DOCUMENT, "-", name="shoes/v1"), project / "contracts")
    error = said(capsys, "validate", "order.paid", "paid.json", status=2)
    assert "shoes/v1, shop/v2; say which with --api" in error
    assert "(shop/v2)" in said(capsys, "validate", "order.paid", "paid.json", "--api", "shop")
