"""Which contract a request is of, and which one a command means: data, by host and base path."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from shop import DOCUMENT

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.contract.apis import Apis, chosen
from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.errors import ContractError

ORDERS = "https://shop-test.adyen.com/shop/v2/orders"


def add(folder: Path, name: str, server: str = "https://shop-test.adyen.com/shop/v2") -> None:
    document = copy.deepcopy(DOCUMENT)
    document["servers"] = [{"url": server}]
    write_contract(import_openapi(document, "-", name=name), folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    add(tmp_path, "shop/v2")
    add(tmp_path, "pay/v68", "https://pay-test.adyen.com/pal/servlet/Pay/v68")
    return tmp_path


@pytest.mark.parametrize(
    ("method", "url", "found"),
    [
        ("POST", ORDERS, ("shop/v2", "POST /orders", {})),
        ("get", f"{ORDERS}/a%20b?x=1", ("shop/v2", "GET /orders/{orderId}", {"orderId": "a b"})),
        ("POST", "https://pay-test.adyen.com/pal/servlet/Pay/v68/orders", ("pay/v68", "POST /orders", {})),
        ("POST", "http://127.0.0.1:8080/shop/v2/orders", ("shop/v2", "POST /orders", {})),
        ("POST", "https://other-test.adyen.com/shop/v2/orders", None),
        ("POST", "https://shop-test.adyen.com/shop/v3/orders", None),
        ("POST", "https://shop-test.adyen.com/shop/v20/orders", None),
        ("POST", "https://shop-test.adyen.com/orders", None),
        ("PUT", ORDERS, None),
    ],
)
def test_a_request_is_found_by_host_and_base_path(folder: Path, method: str, url: str, found: Any) -> None:
    match = Apis(folder).match(method, url)
    assert (match and (match.contract.name, match.operation.label, match.parameters)) == found


@pytest.mark.parametrize("first", ["/orders/{orderId}", "/orders/open"])
def test_a_path_that_is_named_comes_before_a_parameter(tmp_path: Path, first: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    paths = document["paths"]
    open_orders = copy.deepcopy(paths["/orders/{orderId}"])
    open_orders.pop("parameters", None)
    open_orders["get"].pop("parameters", None)
    document["paths"] = {first: None, **paths, "/orders/open": open_orders}
    document["paths"][first] = open_orders if first == "/orders/open" else paths[first]
    write_contract(import_openapi(document, "-", name="shop/v2"), tmp_path)
    match = Apis(tmp_path).match("GET", f"{ORDERS}/open")
    assert match
    assert (match.operation.label, match.parameters) == ("GET /orders/open", {})


def test_another_version_is_found_where_it_will_do(folder: Path) -> None:
    url = "https://shop-test.adyen.com/shop/v7/orders/x"
    match = Apis(folder).match("GET", url, any_version=True)
    assert match is not None
    assert match.parameters == {"orderId": "x"}
    assert Apis(folder).of_url("https://other-test.adyen.com/shop/v7/orders", any_version=True) is None


def test_the_bundled_contract_stands_in_where_the_folder_has_none(folder: Path) -> None:
    assert Apis(folder).management("v3") is Apis().management("v3")
    add(folder, "management/v3", "https://management-test.adyen.com/v3")  # without the operations of credentials
    assert "GET /me" in Apis(folder).management("v3").operations
    with pytest.raises(ContractError, match="shop/v2"):
        Apis(folder).management("v9")


@pytest.mark.parametrize(
    ("api", "version", "name"),
    [
        ("shop", None, "shop/v2"),
        ("shop/v2", None, "shop/v2"),
        ("shop", "v2", "shop/v2"),
        (None, "v68", "pay/v68"),
    ],
)
def test_a_command_means_one(folder: Path, api: str | None, version: str | None, name: str) -> None:
    assert chosen(api, version, folder) == name


def test_the_newest_version_is_meant(folder: Path) -> None:
    add(folder, "shop/v10")
    assert chosen("shop", None, folder) == "shop/v10"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "pay/v68, shop/v2 could be meant; name one with --api"),
        (("--api", "shops"), "contracts there: pay/v68, shop/v2"),
        (("--api", "shop", "--api-version", "v9"), "no contract of 'shop/v9'"),
        (("--api", "../shop"), "correct --api"),
    ],
)
def test_what_could_be_several_or_none_is_said(
    folder: Path, arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["contract", "list", "--contracts", str(folder), *arguments]) == 2
    assert says in capsys.readouterr().err


def test_commands_take_an_api(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    which = ["--contracts", str(folder), "--api", "shop"]
    assert main(["contract", "list", *which]) == 0
    said = capsys.readouterr().out
    assert "POST /orders  takes Order" in said
    assert "WEBHOOK order.paid  brings Order" in said
    assert said.endswith("2 operations, 1 webhook\n")
    body = tmp_path / "body.json"
    body.write_text("{}")
    assert main(["contract", "validate", "order.paid", str(body), *which]) == 1
    assert "3 violations of order.paid (shop/v2)" in capsys.readouterr().out
    assert main(["drift", "response", "--operation", "POST /orders", "--status", "201", str(body), *which]) == 1
    assert main(["contract", "deviations", *which]) == 0
    assert "0 known deviations (shop/v2)" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["../v3", "v3/..", "", "a/b/c", "/etc"])
def test_names_do_not_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ContractError, match="no contract"):
        load_contract(name, tmp_path)
