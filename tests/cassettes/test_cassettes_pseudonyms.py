"""Pseudonyms: what stands for a value says its kind, its number and a length class, and nothing else."""

from __future__ import annotations

import pytest

from pytest_adyen_creds.cassettes.redact.pseudonyms import (
    Pseudonyms,
    holds_pseudonym,
    is_part_of_pseudonyms,
    is_pseudonym,
)

UUID = "9e30815c-35b2-4c75-81c1-B1030B96BF20"


@pytest.mark.parametrize(
    ("value", "pseudonym"),
    [
        ("x", "Pseudonym-000001"),
        ("x" * 16, "Pseudonym-000001"),
        ("x" * 17, "Pseudonym-" + "1".rjust(22, "0")),
        ("x" * 32, "Pseudonym-" + "1".rjust(22, "0")),
        ("x" * 33, "Pseudonym-" + "1".rjust(54, "0")),
        ("AQE", "AQEPSEUDONYM0001"),
        ("AQE\n" + "x" * 13, "AQEPSEUDONYM" + "1".rjust(20, "0")),
        ("aAQEx", "Pseudonym-000001"),
        ("test_A0", "test_PSEUDONYM01"),
        ("live_" + "A" * 60, "live_PSEUDONYM" + "1".rjust(114, "0")),
        ("test_a", "Pseudonym-000001"),
        ("xtest_A", "Pseudonym-000001"),
        ("", ""),
    ],
)
def test_of_secrets(value: str, pseudonym: str) -> None:
    assert Pseudonyms().secret(value) == pseudonym
    assert is_pseudonym(pseudonym) == bool(value)


@pytest.mark.parametrize(
    ("level", "pseudonym"),
    [("company", "PseudoCompany1"), ("merchant", "PseudoMerchant1"), ("", "PseudoAccount1")],
)
def test_of_accounts(level: str, pseudonym: str) -> None:
    assert Pseudonyms().account("Acme", level) == pseudonym
    assert is_pseudonym(pseudonym, "account")


@pytest.mark.parametrize(
    ("kind", "pseudonym"),
    [("username", "PseudoUser1"), ("id", "S2-0000000001"), ("reference", "REQUEST000000001"), ("run", "RUN00001")],
)
def test_of_what_says_nothing_else(kind: str, pseudonym: str) -> None:
    assert Pseudonyms().plain("value", kind) == pseudonym
    assert is_pseudonym(pseudonym, kind)


@pytest.mark.parametrize(
    ("key", "pseudonym"),
    [
        (UUID, "00000000-0000-4000-8000-000000000001"),
        (f"{UUID}0", "Idempotency-0001"),
        (UUID.replace("-", ""), "Idempotency-0001"),
        ("k", "Idempotency-0001"),
        ("", ""),
    ],
)
def test_of_idempotency_keys(key: str, pseudonym: str) -> None:
    assert Pseudonyms().idempotency_key(key) == pseudonym
    assert is_pseudonym(pseudonym, "idempotency") == bool(key)


@pytest.mark.parametrize(
    ("digits", "pseudonym"),
    [("1234", "2100000001"), ("2147483647", "2100000001"), ("2147483648", "2100000000000001")],
)
def test_of_numbers(digits: str, pseudonym: str) -> None:
    assert Pseudonyms().number(digits) == pseudonym
    assert is_pseudonym(pseudonym, "number")


def test_of_users() -> None:
    pseudonyms = Pseudonyms()
    assert [pseudonyms.user(each) for each in ("481516", "ws_7", "481516")] == ["000001", "000002", "000001"]


def test_one_value_has_one_and_different_values_have_different_ones() -> None:
    pseudonyms = Pseudonyms()
    values = ["x", "y" * 20, "x", "AQEx", "z", "AQEy", "test_A", "live_A", "test_B"]
    assert [pseudonyms.secret(each) for each in values] == [
        "Pseudonym-000001",
        "Pseudonym-" + "2".rjust(22, "0"),
        "Pseudonym-000001",
        "AQEPSEUDONYM0001",
        "Pseudonym-000003",
        "AQEPSEUDONYM0002",
        "test_PSEUDONYM01",
        "live_PSEUDONYM01",
        "test_PSEUDONYM02",
    ]
    assert pseudonyms.plain("x", "id") == "S2-0000000001"
    assert pseudonyms.plain("x", "username") == "PseudoUser1"
    assert pseudonyms.account("x", "company") == pseudonyms.account("x", "merchant") == "PseudoCompany1"


def test_what_is_one_already_stays_as_it_is() -> None:
    pseudonyms = Pseudonyms()
    for kept in ("AQEPSEUDONYM0007", "Pseudonym-000007"):
        assert pseudonyms.secret(kept) == kept
    assert pseudonyms.account("PseudoMerchant7", "company") == "PseudoMerchant7"
    assert pseudonyms.plain("S2-0000000007", "id") == "S2-0000000007"
    assert pseudonyms.plain("S2-0000000007", "username") == "PseudoUser1"
    assert pseudonyms.user("000007") == "000007"
    assert pseudonyms.number("2100000007") == "2100000007"
    assert pseudonyms.idempotency_key("Idempotency-0007") == "Idempotency-0007"


def test_numbers_that_are_taken_are_given_to_nothing_else() -> None:
    pseudonyms = Pseudonyms()
    long = "1" * 30 + "3".rjust(18, "0")  # only so many digits are looked at
    pseudonyms.reserve(
        f"a Pseudonym-000001, Pseudonym-000002 and Pseudonym-{long}; PseudoCompany2, ws_000001@x 2100000001"
    )
    pseudonyms.reserve("Pseudonym-000005")
    assert [pseudonyms.secret(each) for each in "abc"] == ["Pseudonym-000004", "Pseudonym-000006", "Pseudonym-000007"]
    assert [pseudonyms.account(each, "company") for each in "abc"] == [f"PseudoCompany{each}" for each in (1, 3, 4)]
    assert pseudonyms.user("1") == "000002"
    assert pseudonyms.number("1234") == "2100000002"
    assert pseudonyms.secret("AQE") == "AQEPSEUDONYM0001"


@pytest.mark.parametrize(
    "kind", ["secret", "account", "user", "username", "id", "reference", "idempotency", "run", "number"]
)
def test_what_only_looks_like_one_is_none(kind: str) -> None:
    for value in ("", "x", "Pseudonym", "PseudoCompany", "S2-6262224667", "RUN1", "21", "AQEPSEUDONYM1x", "xRUN00001"):
        assert not is_pseudonym(value, kind)


def test_a_text_may_hold_one() -> None:
    for text in ("a Pseudonym-1 b", "ws_000001@Company.PseudoCompany1", "id 2100000001 is", "/v3/S2-0000000001"):
        assert holds_pseudonym(text)
    for text in ("a Pseudonym of PseudoCompany", "S2-6262224667 or 21000", "x2100000001", "2100000001.5"):
        assert not holds_pseudonym(text)


def test_what_every_pseudonym_could_hold_is_no_secret() -> None:
    for value in ("0000000000", "AQEPSEUDONYM000", "UDONYM00", "S2-000", "REQUEST0", "21000000", ""):
        assert is_part_of_pseudonyms(value)
    for value in ("00000000001", "AQEPSEUDONYM1", "Pseudonym_", "x"):
        assert not is_part_of_pseudonyms(value)
