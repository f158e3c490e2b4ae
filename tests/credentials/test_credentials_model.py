"""What a credential is: usernames, roles, presets, the marker's arguments; nothing prints a secret."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_adyen_creds.credentials import roles
from pytest_adyen_creds.credentials.credential import (
    Credential,
    HandmadeCredential,
    UserKind,
    from_body,
    parse_username,
    require_kind,
)
from pytest_adyen_creds.credentials.spec import Spec, adyen_credential, spec_of
from pytest_adyen_creds.errors import CredentialError
from pytest_adyen_creds.sandbox.roles import CATALOGUE
from pytest_adyen_creds.secrets import Secret

BODY = {
    "id": "S2-6262224667",
    "username": "ws_123456@Company.Test",
    "clientKey": "test_AAAABBBBCCCCDDDD",
    "apiKey": "AQEnotarealkeybutlongenough",
    "password": "p4ssw0rd-of-nobody",
    "roles": ["Management API - Users read"],
    "allowedOrigins": [{"id": "S2-1", "domain": "https://a.example", "_links": {}}],
    "_links": {"self": {"href": "https://management-test.adyen.com/v1/me"}},
    "active": True,
}


@pytest.mark.parametrize(
    ("text", "kind", "number", "account", "host"),
    [
        ("ws@Company.Test", UserKind.COMPANY, None, "Test", "management-test.adyen.com"),
        ("ws_123456@Company.My_Shop-1.EU", UserKind.COMPANY, "123456", "My_Shop-1.EU", "management-test.adyen.com"),
        ("ws@BalancePlatform.Test", UserKind.BALANCE_PLATFORM, None, "Test", "balanceplatform-api-test.adyen.com"),
        ("ws_9@BalancePlatform.Test", UserKind.BALANCE_PLATFORM, "9", "Test", "balanceplatform-api-test.adyen.com"),
        ("ws@Scope.Company_Test", UserKind.LEM, None, "Test", "kyc-test.adyen.com"),
        ("ws_42@Scope.Company_Test", UserKind.LEM, "42", "Test", "kyc-test.adyen.com"),
    ],
)
def test_usernames_are_classified(text, kind, number, account, host):
    user = parse_username(text)
    assert user is not None
    assert (user.kind, user.number, user.account, user.host, str(user)) == (kind, number, account, host, text)


@pytest.mark.parametrize(
    "text",
    ["", None, 7, "ws@Company.", "WS@Company.Test", "ws_@Company.Test", "ws_12a@Company.Test", "ws@Scope.Test",
     "ws@company.Test", " ws@Company.Test", "ws@Company.Test\n", "ws@Company.Te st", "admin@Company.Test"],
)  # fmt: skip
def test_what_is_no_username_is_none(text):
    assert parse_username(text) is None


def test_a_username_of_another_kind_is_named():
    with pytest.raises(CredentialError, match=r"environment X holds 'ws@Company\.Test'.*company user; write ws@Scope"):
        require_kind("ws@Company.Test", UserKind.LEM, "environment X")


def test_a_credential_is_read_off_an_answer_and_cannot_be_changed():
    credential = from_body("company", "Test", BODY)
    assert credential.kind is UserKind.COMPANY
    assert credential.key().reveal() == BODY["apiKey"]
    assert credential.origins[0].domain == "https://a.example"
    assert credential.links == {"self": "https://management-test.adyen.com/v1/me"}
    with pytest.raises(FrozenInstanceError):
        credential.active = False  # type: ignore[misc]
    with pytest.raises(TypeError):
        credential.links["self"] = ""  # type: ignore[index]


def test_nothing_about_a_credential_shows_a_secret():
    credential = from_body("company", "Test", BODY)
    shown = f"{credential!r} {credential} {credential.roles} {vars(credential)}"
    assert not any(BODY[name] in shown for name in ("apiKey", "clientKey", "password"))
    with pytest.raises(TypeError):
        pickle.dumps(credential)


def test_what_was_shown_once_is_kept_when_an_answer_leaves_it_out():
    credential = from_body("company", "Test", BODY)
    later = credential.updated({**{key: BODY[key] for key in ("id", "username")}, "clientKey": "test_ZZZZZZZZZZZZ"})
    assert later.api_key == credential.api_key
    assert later.password == credential.password
    assert later.client_key == Secret("test_ZZZZZZZZZZZZ")


@pytest.mark.parametrize("other", [{"id": "S2-1"}, {"username": "ws_1@Company.Test"}])
def test_an_answer_about_another_credential_changes_nothing(other):
    credential = from_body("company", "Test", BODY)
    with pytest.raises(CredentialError, match=r"credential S2-6262224667 .* is about .*; check what serves it"):
        credential.updated({**BODY, **other})


@pytest.mark.parametrize("body", [{}, {"id": "S2-1"}, {"id": 1, "username": "ws@Company.X"}])
def test_an_answer_without_a_credential_is_an_error(body):
    with pytest.raises(CredentialError, match="check what serves it"):
        from_body("company", "Test", body)


def test_only_a_leased_credential_rotates_its_key():
    with pytest.raises(CredentialError, match="not on lease"):
        Credential.of(from_body("company", "Test", BODY)).rotate_api_key()


def test_what_is_leased_has_its_keys_and_what_an_answer_shows_may_have_none():
    shown = from_body("company", "Test", {key: BODY[key] for key in BODY if key not in ("apiKey", "clientKey")})
    assert shown.api_key is shown.client_key is None
    with pytest.raises(CredentialError, match="not known; generate a new one"):
        shown.key()
    with pytest.raises(CredentialError, match=r"the api key of .* is not known; generate a new one"):
        HandmadeCredential.of(shown)
    with pytest.raises(CredentialError, match=r"the client key of .* is not known; generate a new one"):
        Credential.of(replace(shown, api_key=Secret("AQE")))


def test_the_known_roles_are_those_of_the_sandbox():
    management = {roles.normalised(role) for role in CATALOGUE if role.startswith("Management API")}
    assert management == {roles.normalised(role) for role in roles.KNOWN}


@pytest.mark.parametrize("preset", ["read-only", "write", "full-access"])
@given(data=st.data())
def test_a_preset_is_told_whatever_the_order_and_spelling(preset, data):
    dashes = st.sampled_from([" - ", " \u2013 ", "\u2014", " \u2014 ", "-"])
    names = data.draw(st.permutations(roles.preset_roles(preset)))
    spelled = [name.replace(" - ", data.draw(dashes)) for name in names]
    assert roles.classify(spelled) == preset
    assert roles.classify(spelled[1:]) == "custom"
    assert roles.classify([*spelled, "Checkout webservice role"]) == "custom"


def test_presets_are_the_columns_of_a_permission_table():
    view, edit, both = map(roles.preset_roles, ("read-only", "write", "full-access"))
    assert all(name.endswith(" read") for name in view)
    assert all(name.endswith(" read and write") for name in edit)
    assert set(both) == set(view) | set(edit)
    assert roles.classify([]) == "custom"


def test_a_role_that_cannot_be_given_is_named_with_its_holder():
    held = ["Management API \u2014 Stores read", "Management API - Payout Account Settings Read And Write"]
    wanted = ["Management API - Stores read", "Management API-Payout Account Settings read and write"]
    assert roles.grantable(wanted, held, "ws@Company.Test") == tuple(held)
    with pytest.raises(CredentialError, match=r"ws@Company\.Test cannot give the role 'Management API - Users read'"):
        roles.grantable(["Management API - Users read"], held, "ws@Company.Test")


@pytest.mark.parametrize(
    ("role", "meant"),
    [
        ("Managment API - Stores read", "Management API - Stores read"),
        ("Management API \u2014 Store read", "Management API - Stores read"),
        ("Checkout webservice rol", "Checkout webservice role"),
        ("Management API - Users read", None),
        ("Something else", None),
    ],
)
def test_a_mistyped_role_is_told_what_it_may_mean(role, meant):
    with pytest.raises(CredentialError, match="cannot give the role") as error:
        roles.grantable([role], ["Checkout webservice role"], "ws@Company.Test")
    assert ("did you mean" in str(error.value)) is (meant is not None)
    assert meant is None or f"did you mean {meant!r}?" in str(error.value)


def test_the_marker_without_arguments_asks_for_the_role_of_this_api():
    assert adyen_credential() == Spec() == Spec("company", (roles.API_CREDENTIALS,), (), (), False)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {"role": ["x"]}, "did you mean roles"),
        ((), {"colour": 1}, "it takes level, roles, preset, origins, merchants, fresh"),
        (("company", ["x"]), {}, "too many positional arguments"),
        ((), {"level": "store"}, "write 'company' or 'merchant'"),
        ((), {"roles": "Management API - Stores read"}, "write a list of texts"),
        ((), {"roles": [1]}, "roles holds 1"),
        ((), {"roles": ["x"], "preset": "write"}, "give one of them"),
        ((), {"preset": "admin"}, "write one of read-only, write, full-access"),
        ((), {"origins": ["shop.example"]}, "write scheme and host"),
        ((), {"level": "merchant", "merchants": ["a", "b"]}, "made at one"),
        ((), {"fresh": 1}, "write True or False"),
    ],
)
def test_a_wrong_marker_says_what_to_write(args, kwargs, message):
    with pytest.raises(CredentialError, match=r"test_a\.py::test: @pytest\.mark\.adyen_credential: ") as error:
        spec_of("test_a.py::test", args, kwargs, Path())
    assert message in str(error.value)
