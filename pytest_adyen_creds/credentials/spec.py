"""What a test asks for: the arguments of the marker ``adyen_credential``, checked, and marks that change nothing."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import pytest

from pytest_adyen_creds.client.parsing import Level
from pytest_adyen_creds.compat.pytest import fixture_names
from pytest_adyen_creds.credentials.needed_roles import NEEDED, needed_by
from pytest_adyen_creds.credentials.roles import API_CREDENTIALS, NO_MANAGEMENT_ROLE, Preset, preset_roles
from pytest_adyen_creds.errors import AdyenMarkerWarning, CredentialError

MARKER: Final = "adyen_credential"


@dataclass(frozen=True)
class Spec:
    """What a lease must give: made by :func:`adyen_credential`."""

    level: Level = "company"
    roles: tuple[str, ...] = (API_CREDENTIALS,)
    origins: tuple[str, ...] = ()
    merchants: tuple[str, ...] = ()
    fresh: bool = False

    @property
    def account(self) -> str | None:
        """The merchant account to make it at; None for the run's own account."""
        return self.merchants[0] if self.level == "merchant" and self.merchants else None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON: the arguments of :func:`adyen_credential`, which makes it again."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


def adyen_credential(
    level: Literal["company", "merchant"] = "company",
    *,
    roles: Iterable[str] = (),
    preset: Preset | None = None,
    origins: Iterable[str] = (),
    merchants: Iterable[str] = (),
    fresh: bool = False,
) -> Spec:
    """Return what a test asks for; this signature is the marker's.

    ``level``: where the credential is made. ``roles``: the roles it has (``"needed"``: those
    that ``adyen-roles.toml`` says the test needs), or ``preset``, one of ``read-only``,
    ``write``, ``full-access``; default: the one role that this API asks for. ``origins``: its allowed origins.
    ``merchants``: at company level the merchant accounts it is limited to (default: none, the whole company); at
    merchant level the one account it is made at (default: the run's). ``fresh``: a newly created one, not one used
    before.

    Raises :class:`CredentialError` that says what to write.
    """
    if level not in ("company", "merchant"):
        raise CredentialError(f"level={level!r} is wrong; write 'company' or 'merchant'")
    wanted = _texts("roles", roles)
    if preset is not None:
        if wanted:
            raise CredentialError("roles and preset are both given; give one of them")
        wanted = preset_roles(preset)
    where = _texts("merchants", merchants)
    if level == "merchant" and len(where) > 1:
        raise CredentialError(
            f"merchants={list(where)!r} names {len(where)} accounts, but a merchant-level credential is made at one; "
            "name one, or use level='company'"
        )
    if not isinstance(fresh, bool):
        raise CredentialError(f"fresh={fresh!r} is wrong; write True or False")
    return Spec(level, wanted or (API_CREDENTIALS,), tuple(map(_origin, _texts("origins", origins))), where, fresh)


def spec_of(nodeid: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], root: Path) -> Spec:
    """Return what a marker's arguments ask for; raises :class:`CredentialError` that names the test and the mistake.

    ``root`` is the folder of the run, whose ``adyen-roles.toml`` is read for ``roles="needed"``.
    """
    if kwargs.get("roles") == NEEDED:
        kwargs = {**kwargs, "roles": needed_by(root, nodeid) or (NO_MANAGEMENT_ROLE,)}
    try:
        inspect.signature(adyen_credential).bind(*args, **kwargs)
    except TypeError as error:
        names = list(inspect.signature(adyen_credential).parameters)
        unknown = next((name for name in kwargs if name not in names), None)
        near = get_close_matches(unknown or "", names, 1)
        hint = f"did you mean {near[0]}?" if near else f"it takes level, {', '.join(names[1:])}"
        raise CredentialError(f"{nodeid}: @pytest.mark.{MARKER}: {error}; {hint}") from None
    try:
        return adyen_credential(*args, **kwargs)
    except CredentialError as error:
        raise CredentialError(f"{nodeid}: @pytest.mark.{MARKER}: {error}") from None


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise CredentialError(f"{name}={value!r} is wrong; write a list of texts, such as {name}=[{value!r}]")
    items = tuple(value)
    wrong = next((item for item in items if not isinstance(item, str) or not item.strip()), None)
    if wrong is not None:
        raise CredentialError(f"{name} holds {wrong!r}; write a list of texts")
    return tuple(dict.fromkeys(items))


def _origin(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path in ("", "/")
    except ValueError:
        good = False
    if not good:
        raise CredentialError(f"origins holds {text!r}; write scheme and host, such as https://www.example.com")
    return text


def warn_of_misuse(marked: Iterable[tuple[pytest.Item, pytest.Mark]]) -> None:
    """Warn of each mark that changes nothing, once a run; where a filter makes the warning an error, its test fails."""
    wrong: dict[pytest.Item, str] = {}
    for item, mark in marked:
        if problem := _problem(mark.name, item):
            warning = AdyenMarkerWarning(f"{item.nodeid}: @pytest.mark.{mark.name} {problem}")
            is_first = getattr(item.config, "workerinput", {}).get("workerid", "gw0") == "gw0"
            with nullcontext() if is_first else warnings.catch_warnings(record=True):
                try:
                    item.warn(warning)
                except AdyenMarkerWarning:
                    wrong[item] = f"@pytest.mark.{mark.name} {problem}"
    if wrong:
        next(iter(wrong)).config.pluginmanager.register(_Misused(wrong))


class _Misused:
    """Fails the tests in ``wrong`` at their set-up, each with its words."""

    def __init__(self, wrong: Mapping[pytest.Item, str]) -> None:
        self._wrong = wrong

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if item in self._wrong:
            pytest.fail(self._wrong[item], pytrace=False)


def _problem(name: str, item: pytest.Item) -> str | None:
    if name != MARKER:
        alike = get_close_matches(name, [MARKER], cutoff=0.8)
        return f"is not the mark of a credential and changes nothing; write @pytest.mark.{MARKER}" if alike else None
    if not isinstance(item, pytest.Function) or MARKER in fixture_names(item):
        return None
    if "request" in inspect.signature(item.function).parameters:  # it may ask for the credential when it runs
        return None
    return f"changes nothing, because this test asks for no credential; give it the fixture {MARKER}"
