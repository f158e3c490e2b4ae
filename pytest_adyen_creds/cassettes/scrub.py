"""Scrubbing: a recording without its secrets, account names and changing ids, and with nothing that leads back.

What is secret is learned first, from every exchange of the recording; then all of it is replaced wherever it occurs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_adyen_creds.cassettes.forms import Finder, keys_in
from pytest_adyen_creds.cassettes.interaction import CANONICAL_ORIGIN, Interaction
from pytest_adyen_creds.cassettes.places import Places
from pytest_adyen_creds.cassettes.pseudonyms import Pseudonyms, is_part_of_pseudonyms, is_pseudonym
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.secrets import SECRETS, SecretRegistry

TAG_EXPIRY: Final = "2099-12-31T23:59Z"
"""The expiry that every throwaway's tag has in a recording."""

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104 - names, not a binding
"""Hosts that mean this machine."""

SANDBOX_ACCOUNTS: Final = ("TestCompany", "TestMerchant", "TestMerchantEU")
"""The accounts of the embedded sandbox unless it is given others: no one's, so they may stay readable."""

_ACCOUNT: Final = r"(?=[\w.-]*[A-Za-z])\w[\w.-]*\w"
_TAG: Final = r"(?P<tag>pytest-adyen-creds )(?P<run>\S{8}) exp \d{4}-\d\d-\d\dT\d\d:\d\dZ"
_USERNAME: Final = (
    r"\bws(?:_(?P<user>\w+?))?(?P<at>@|%40)(?P<scope>(?:Company|BalancePlatform|Scope)\.(?:Company_)?)"
    rf"(?P<owner>{_ACCOUNT})"
)
_PATH: Final = rf"(?P<path>/(?:companies|merchants)/)(?P<holder>{_ACCOUNT})(?=[/?#\"'\s]|$)"
_ID: Final = r"\b(?P<id>S2-[0-9A-Z]{4,})\b"
_KNOWN_PLACES: Final = re.compile("|".join((_TAG, _USERNAME, _PATH, _ID)), re.ASCII)
_ORDINARY: Final = frozenset(
    {"null", "none", "true", "false", "string", "undefined", "test", "live", "adyen", "company"}
)


class Scrubber:
    """Replaces secrets, account names, usernames, ids and hosts in recordings by pseudonyms.

    ``contract_secret_properties`` are :attr:`Contract.secret_properties`; ``accounts`` the configured company and
    merchant account names; ``registry`` holds every secret that the session knows. ``keep`` names accounts that are no
    one's (the sandbox's own) and stay readable. Ids of credentials are pseudonyms in every recording, whatever the
    backend: a server numbers its credentials by what it created before, which is no part of what was recorded.
    """

    def __init__(
        self,
        contract_secret_properties: frozenset[str],
        accounts: Iterable[str] = (),
        registry: SecretRegistry = SECRETS,
        *,
        keep: Iterable[str] = (),
    ) -> None:
        self._places = Places(contract_secret_properties)
        self._accounts = tuple(accounts)
        self._registry = registry
        self._keep = frozenset(keep)

    def interactions(self, interactions: Sequence[Interaction]) -> list[Interaction]:
        """Return ``interactions`` scrubbed, as one recording: the same secret is the same pseudonym throughout."""
        return self.recording(interactions, {})[0]

    def secrets_in(self, interaction: Interaction) -> set[str]:
        """Return the secrets that ``interaction`` shows in the places where secrets stand."""
        learner = _Learner(self._accounts)
        self._places.visit(interaction, learner)
        found = learner.secrets | learner.looks
        return {value for value in found if _is_telling(value) and not is_pseudonym(value)}

    def recording(
        self, interactions: Sequence[Interaction], context: Mapping[str, Any]
    ) -> tuple[list[Interaction], dict[str, Any]]:
        """Return ``interactions`` and the JSON values of ``context`` scrubbed together, ``context`` first."""
        learner = _Learner(self._accounts)
        self._places.value(dict(context), learner)
        said = _Answers(())
        self._places.value(dict(context), said)
        for interaction in interactions:
            self._places.visit(interaction, learner)
            if 200 <= interaction.status < 300:
                self._places.answer(interaction, said)
        learner.known |= said.levels.keys()
        replacer = _Replacer(learner, self._registry, self._keep)
        clean_context = self._places.value(dict(context), replacer)
        clean = [self._places.visit(interaction, replacer) for interaction in interactions]
        replacer.check(clean, clean_context)
        return clean, clean_context


class _Learner:
    """Strictly private. Collects what a recording shows of secrets, accounts and origins; changes nothing."""

    def __init__(self, accounts: Iterable[str]) -> None:
        self.secrets: set[str] = set()
        self.looks: set[str] = set()
        """What only looks like a secret, and where it ends is a guess."""
        self.configured = frozenset(accounts)
        self.known: set[str] = set(self.configured)
        """The accounts that there are, for all we know; a request may name anything in an account's place."""
        self.levels: dict[str, str] = dict.fromkeys(self.configured, "")
        self.origins: set[str] = set()
        self._read: set[str] = set()

    def secret(self, value: str) -> str:
        self.secrets.add(value)
        return value

    def text(self, value: str) -> str:
        if value in self._read:  # roles, labels and paths come again in every interaction
            return value
        self._read.add(value)
        self.looks |= keys_in(value)
        self.accounts_in(value)
        return value

    def name(self, value: str) -> str:
        return self.text(value)

    def accounts_in(self, value: str) -> None:
        for match in _KNOWN_PLACES.finditer(value):
            if match["owner"]:
                self.account(match["owner"], "company" if "Company" in match["scope"] else "")
            elif match["holder"]:
                self.account(match["holder"], "company" if match["path"] == "/companies/" else "merchant")

    def account(self, name: str, level: str) -> str:
        if re.fullmatch(_ACCOUNT, name, re.ASCII) and not self.levels.get(name) and not is_pseudonym(name):
            self.levels[name] = level
        return name

    def reference(self, value: str) -> str:
        return value

    idempotency_key = reference

    def origin(self, value: str) -> str:
        if urlsplit(value).hostname in LOOPBACK_HOSTS:
            self.origins.add(value)
        return value


class _Answers(_Learner):
    """Strictly private. Collects the accounts that a server's own answers name."""

    def text(self, value: str) -> str:
        self.accounts_in(value)
        return value


class _Replacer:
    """Strictly private. Answers with pseudonyms."""

    def __init__(self, learner: _Learner, registry: SecretRegistry, keep: frozenset[str]) -> None:
        self._pseudonyms = Pseudonyms()
        self._texts: dict[str, str] = {}
        self._levels, self._keep = learner.levels, keep
        spread = registry.values() | {value for value in learner.secrets if _is_telling(value)}
        # a configured account's name is replaced as a name, also where it was registered as a secret
        found = {value for value in spread if value not in learner.configured and not is_part_of_pseudonyms(value)}
        # a guess that holds a known secret, and more, is none
        known = Finder(found, registry)
        found |= {value for value in learner.looks if not known.find(value)}
        self._found = Finder(found, registry)
        self._secrets = Finder({value for value in found if not is_pseudonym(value)}, registry)
        self._names = _names_pattern(learner.known - keep)
        self._origins = re.compile(
            "|".join(rf"{re.escape(origin)}(?![\w.:])" for origin in sorted(learner.origins, key=len, reverse=True))
            or r"(?!)"
        )

    def secret(self, value: str) -> str:
        return self._pseudonyms.secret(value)

    def text(self, value: str) -> str:
        known = self._texts.get(value)
        if known is None:
            known = self._texts[value] = self._replaced(value)
        return known

    def name(self, value: str) -> str:
        # a member called like an account is still that member
        return _KNOWN_PLACES.sub(self._name, self._found.replace(value, self._pseudonyms.secret))

    def _replaced(self, value: str) -> str:
        value = self._origins.sub(CANONICAL_ORIGIN, value)
        value = self._found.replace(value, self._pseudonyms.secret)
        return self._names.sub(self._name, value)

    def account(self, name: str, level: str) -> str:
        if name in self._keep:
            return name
        return self._pseudonyms.account(name, self._levels[name]) if name in self._levels else self.text(name)

    def reference(self, value: str) -> str:
        return self._pseudonyms.request_id(value) if value else value

    def idempotency_key(self, value: str) -> str:
        return self._pseudonyms.idempotency_key(value)

    def origin(self, value: str) -> str:
        return self._origins.sub(CANONICAL_ORIGIN, value)

    def check(self, interactions: Sequence[Interaction], context: Mapping[str, Any]) -> None:
        """Raise :class:`CassetteError` where a secret is left that replacing did not reach, whatever hid it."""
        for interaction in interactions:
            for what, text in _texts_of(interaction):
                if self._secrets.find(text) or ("\0" in text and self._secrets.find(text.replace("\0", ""))):
                    where = SECRETS.mask(f"{interaction.method} {interaction.uri}")
                    raise CassetteError(
                        f"{where}: a secret in {what} could not be replaced, so nothing was written; send it as UTF-8"
                    )
        if self._secrets.find(json.dumps(context, default=str)):
            raise CassetteError("the context of a recording holds a secret that could not be replaced: nothing written")

    def _name(self, match: re.Match[str]) -> str:
        """Return what stands for a match of the known places, or of an account's bare name."""
        if match["tag"]:
            return f"{match['tag']}{self._pseudonyms.run(match['run'])} exp {TAG_EXPIRY}"
        if match["owner"]:
            user = f"_{self._pseudonyms.user(match['user'])}" if match["user"] else ""
            return f"ws{user}{match['at']}{match['scope']}{self.account(match['owner'], '')}"
        if match["holder"]:
            return match["path"] + self.account(match["holder"], "")
        if match["id"]:
            return self._pseudonyms.credential_id(match["id"])
        return self.account(match["name"], "")


def _texts_of(interaction: Interaction) -> Iterator[tuple[str, str]]:
    yield "the address", interaction.uri
    yield "the reason", interaction.reason
    for _, value in (*interaction.request_headers, *interaction.response_headers):
        yield "a header", value
    for value in interaction.meta.values():
        yield "a note", value
    for body in (interaction.request_body, interaction.response_body):
        yield "a body", body.decode("latin-1")


def _is_telling(value: str) -> bool:
    # A word that a generated request had in a secret's place also stands in ordinary sentences: it is replaced in its
    # place only. Registered secrets are replaced everywhere.
    if len(value) < 8:
        return False
    return len(value) >= 16 or not value.isalpha()


def _names_pattern(names: set[str]) -> re.Pattern[str]:
    spread = sorted(
        (name for name in names if len(name) >= 4 and name.lower() not in _ORDINARY), key=lambda n: (-len(n), n)
    )
    if not spread:
        return re.compile(_KNOWN_PLACES.pattern + r"|(?P<name>(?!))", re.ASCII)
    alternatives = "|".join(map(re.escape, spread))
    return re.compile(rf"{_KNOWN_PLACES.pattern}|(?<![A-Za-z0-9])(?P<name>{alternatives})(?![A-Za-z0-9])", re.ASCII)
