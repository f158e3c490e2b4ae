"""Scrubbing: a recording without its secrets, account names, user names and ids, and with nothing that leads back.

What is secret and who is named is learned first, from every exchange of the recording; then all of it is replaced
wherever it occurs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pytest_adyen_creds.cassettes.body import unpacked_by_look
from pytest_adyen_creds.cassettes.model import CANONICAL_ORIGIN, Interaction
from pytest_adyen_creds.cassettes.redact.fields import (
    Fields,
    Kind,
    digits_of,
    fields_of,
    loopback_origin,
    path_of_uri,
)
from pytest_adyen_creds.cassettes.redact.finder import KNOWN_FORMS, ORDINARY, Finder, any_of, keys_in, may_be, names_in
from pytest_adyen_creds.cassettes.redact.pseudonyms import (
    Pseudonyms,
    holds_pseudonym,
    is_part_of_pseudonyms,
    is_pseudonym,
)
from pytest_adyen_creds.cassettes.redact.visitor import FROM_SERVER, TRACE_HEADERS, Visitor, visit, visit_context
from pytest_adyen_creds.contract.contract import Contract
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.secrets import SECRETS, SecretRegistry

TAG_EXPIRY: Final = "2099-12-31T23:59Z"
"""The expiry that every throwaway's tag has in a recording."""

SANDBOX_ACCOUNTS: Final = ("TestCompany", "TestMerchant", "TestMerchantEU")
"""The accounts of the embedded sandbox unless it is given others: no one's, so they may stay readable."""


class Scrubber:
    """Replaces secrets, account names, user names, ids and hosts in recordings by pseudonyms.

    ``contract`` says which fields are searched; what ``others``, of other APIs, call secret is secret, too.
    ``accounts`` are the configured company and merchant account names; ``registry`` holds every secret that the session
    knows. ``keep`` names accounts that are no one's (the sandbox's own) and stay readable. Ids are pseudonyms in every
    recording, whatever the backend: a server numbers its credentials by what it created before, which is no part of
    what was recorded.

    A loopback server is Adyen's stand-in in a recording of our own, which has Adyen's address instead; in a ``foreign``
    one, of another tool, where the contract has one of the requests to it, and its address stays: that tool replays by
    it.
    """

    def __init__(
        self,
        contract: Contract,
        accounts: Iterable[str] = (),
        registry: SecretRegistry = SECRETS,
        *,
        keep: Iterable[str] = (),
        foreign: bool = False,
        others: Iterable[Contract] = (),
    ) -> None:
        self._fields = fields_of(contract, tuple(others))
        self._accounts = tuple(accounts)
        self._registry = registry
        self._keep = frozenset(keep)
        self._foreign = foreign

    def interactions(self, interactions: Sequence[Interaction]) -> list[Interaction]:
        """Return ``interactions`` scrubbed, as one recording: the same secret is the same pseudonym throughout."""
        return self.recording(interactions, {})[0]

    def secrets_in(self, interaction: Interaction) -> set[str]:
        """Return the secrets that ``interaction`` shows in the fields where secrets stand."""
        learner = _Learner(self._accounts)
        stand_ins = stand_ins_in([interaction], self._fields, foreign=self._foreign)
        visit(interaction, self._fields, stand_ins, learner)
        found = learner.secrets | learner.looks
        return {value for value in found if _is_telling(value) and not is_pseudonym(value)}

    def recording(
        self, interactions: Sequence[Interaction], context: Mapping[str, Any]
    ) -> tuple[list[Interaction], dict[str, Any]]:
        """Return ``interactions`` and the JSON values of ``context`` scrubbed together, ``context`` first."""
        fields, stand_ins = self._fields, stand_ins_in(interactions, self._fields, foreign=self._foreign)
        learner = _Learner(self._accounts)
        visit_context(context, fields, stand_ins, learner)
        for interaction in interactions:
            learner.is_good = 200 <= interaction.status < 300
            visit(interaction, fields, stand_ins, learner)
        # another tool replays a request to where it went; of ours, each server's recording is the same
        origins = frozenset[str]() if self._foreign else stand_ins
        replacer = _Replacer(learner, self._registry, self._keep, origins)
        clean_context = visit_context(context, fields, stand_ins, replacer)
        clean = [visit(interaction, fields, stand_ins, replacer) for interaction in interactions]
        replacer.check(clean, clean_context)
        return clean, clean_context


def stand_ins_in(interactions: Iterable[Interaction], fields: Fields, *, foreign: bool) -> frozenset[str]:
    """Return the origins on loopback that stood for Adyen's in a recording; ``foreign`` as :class:`Scrubber` has it."""
    loopback = ((loopback_origin(each.uri), each) for each in interactions)
    return frozenset(
        origin
        for origin, each in loopback
        if origin and (not foreign or fields.operation(each.method, path_of_uri(each.uri)))
    )


class _Learner(Visitor):
    """Collects what a recording shows of secrets, names and ids; changes nothing."""

    _is_known: bool
    """Whether what comes next stands in a good answer of a server."""

    def __init__(self, accounts: Iterable[str]) -> None:
        self.secrets: set[str] = set()
        self.looks: set[str] = set()
        """What only looks like a secret, and where it ends is a guess."""
        self.configured = frozenset(accounts)
        self.known: set[str] = set(self.configured)
        """The accounts, ids and user names that a server's good answers name; a request may name anything there."""
        self.is_good = True
        """Whether the answer is one."""
        self.levels: dict[str, str] = dict.fromkeys(self.configured, "")
        self.named: Final[dict[Kind, set[str]]] = {"id": set(), "username": set(), "reference": set()}
        self.numbers: set[str] = set()
        """The digits of ids, names and references that are numbers somewhere."""
        self.texts: set[str] = set()
        """Every text and every value, once."""
        self._read: set[tuple[str, bool]] = set()

    def at(self, where: str) -> None:
        self._is_known = self.is_good and where in FROM_SERVER

    def field(self, value: str, kind: Kind) -> str:
        if not may_be(value, kind) or (kind == "username" and holds_pseudonym(value)):
            return self.text(value)
        self.texts.add(value)
        self._learn(value, kind)
        return value

    def _learn(self, value: str, kind: Kind) -> None:
        if kind == "secret":
            self.secrets.add(value)
        elif not holds_pseudonym(value):
            if kind in self.named:
                self.named[kind].add(value)
            elif not self.levels.get(value):
                self.levels[value] = "" if kind == "account" else kind
            if self._is_known and kind != "reference":
                self.known.add(value)

    def number(self, value: float, kind: Kind | None) -> float:
        digits = digits_of(value)
        self.texts.add(digits)
        if digits and kind not in (None, "secret") and not holds_pseudonym(digits):
            self.numbers.add(digits)
            self._learn(digits, "reference" if kind == "reference" else "id")
        return value

    def text(self, value: str) -> str:
        if (value, self._is_known) not in self._read:  # roles, labels and paths come again in every interaction
            self._read.add((value, self._is_known))
            self.texts.add(value)
            self.looks |= keys_in(value)
            for kind, name in names_in(value):
                if kind != "username":  # of which the company is what is telling
                    self._learn(name, kind)
        return value

    def idempotency_key(self, value: str) -> str:
        self.texts.add(value)
        return value

    def dropped(self, name: str, value: str) -> None:
        self._learn(value, "reference" if name in TRACE_HEADERS else "secret")


class _Replacer(Visitor):
    """Answers with pseudonyms."""

    def __init__(
        self, learner: _Learner, registry: SecretRegistry, keep: frozenset[str], stand_ins: frozenset[str]
    ) -> None:
        self._pseudonyms = Pseudonyms()
        for text in learner.texts:
            self._pseudonyms.reserve(text)
        self._texts: dict[str, str] = {}
        self._learner, self._keep = learner, keep
        spread = registry.values() | {value for value in learner.secrets if _is_telling(value)}
        # a configured account's name is replaced as a name, also where it was registered as a secret
        found = {value for value in spread if _is_searched_for(value) and value not in learner.configured}
        self._secrets = frozenset(found)
        named = {name for name in learner.known if " " in name}.union(*learner.named.values())
        found |= {value for value in named - keep if _is_searched_for(value) and _is_distinct(value)}
        self._found = Finder(found, registry)
        # a guess that holds a known secret, and more, is none
        guesses = {value for value in learner.looks - found if not self._found.find(value)}
        self._secrets |= guesses
        self._found.add(guesses)
        names = any_of(name for name in learner.known - keep if len(name) >= 4 and name.lower() not in ORDINARY)
        self._names = re.compile(rf"{KNOWN_FORMS.pattern}|(?<![A-Za-z0-9])(?P<name>{names})(?![A-Za-z0-9])", re.ASCII)
        self._origins = re.compile(rf"(?:{any_of(stand_ins)})(?![\w.:])")

    def field(self, value: str, kind: Kind) -> str:
        learner, pseudonyms = self._learner, self._pseudonyms
        if kind == "secret":
            return pseudonyms.secret(value)
        if kind == "id" and value in learner.levels and value not in learner.numbers:
            kind = "account"  # the Management API names companies and merchants by their accounts
        is_account = kind in ("company", "merchant", "account")
        if is_account and value in self._keep:
            return value
        if value in learner.numbers:
            return self._stand_in(value)
        if kind == "reference":
            is_one = bool(value) and not holds_pseudonym(value)
        else:
            is_one = value in learner.levels if is_account else may_be(value, kind)
            is_one = is_one and not self._is_replaced_within(value)
        if not is_one:
            return self.text(value)
        if is_account:
            return pseudonyms.account(value, learner.levels[value])
        return pseudonyms.plain(value, kind)

    def number(self, value: float, kind: Kind | None) -> float:
        digits = digits_of(value)
        if kind == "secret" or digits in self._secrets:
            return 0
        is_known = digits in self._learner.numbers if kind else self._found.find(digits)
        if not digits or not is_known:
            return value
        # a number stays one, so that the recording departs from the contract as the answer did
        return type(value)(str(int(value)).replace(digits, self._pseudonyms.number(digits)))

    def text(self, value: str) -> str:
        if value not in self._texts:
            self._texts[value] = self._replaced(value)
        return self._texts[value]

    def name(self, value: str) -> str:
        # a member called like an account is still that member
        return KNOWN_FORMS.sub(self._form, self._found.replace(value, self._stand_in))

    def _replaced(self, value: str) -> str:
        value = self._origins.sub(CANONICAL_ORIGIN, value)
        value = self._found.replace(value, self._stand_in)
        return self._names.sub(self._form, value)

    def _stand_in(self, value: str) -> str:
        learner = self._learner
        if value in self._secrets:
            return self._pseudonyms.secret(value)
        if value in learner.numbers:
            return self._pseudonyms.number(value)
        if value in learner.levels:
            return self.field(value, "account")
        return self._pseudonyms.plain(value, next(kind for kind, values in learner.named.items() if value in values))

    def _is_replaced_within(self, value: str) -> bool:
        # a key that was sent in the place of a name stays recognizable as that key
        return holds_pseudonym(value) or any(secret in self._secrets for _, _, secret in self._found.find(value))

    def idempotency_key(self, value: str) -> str:
        return self._pseudonyms.idempotency_key(value)

    def origin(self, value: str) -> str:
        return self._origins.sub(CANONICAL_ORIGIN, value)

    def check(self, interactions: Sequence[Interaction], context: Mapping[str, Any]) -> None:
        """Raise :class:`CassetteError` where a secret is left that replacing did not reach, whatever hid it."""
        for interaction in interactions:
            for what, text in _texts_of(interaction):
                if self._found.find(text) or ("\0" in text and self._found.find(text.replace("\0", ""))):
                    where = SECRETS.mask(f"{interaction.method} {interaction.uri}")
                    raise CassetteError(
                        f"{where}: a secret in {what} could not be replaced, so nothing was written; send it as UTF-8"
                    )
        if self._found.find(json.dumps(context, default=str)):
            raise CassetteError("the context of a recording holds a secret that could not be replaced: nothing written")

    def _form(self, match: re.Match[str]) -> str:
        """Return what stands for a match of the known forms, or of the bare name of an account or a resource."""
        if match["tag"]:
            return f"{match['tag']}{self._pseudonyms.plain(match['run'], 'run')} exp {TAG_EXPIRY}"
        if match["owner"]:
            return f"{self._local(match['local'])}{match['at']}{match['scope']}{self.field(match['owner'], 'account')}"
        if match["holder"]:
            return match["path"] + self.field(match["holder"], "account")
        if match["of"]:
            return match["resource"] + self.field(match["of"], "id")
        if match["request"]:
            return self._pseudonyms.plain(match["request"], "reference")
        return self._pseudonyms.plain(match["id"], "id") if match["id"] else self._stand_in(match["name"])

    def _local(self, local: str) -> str:
        return local if local == "ws" else f"ws_{self._pseudonyms.user(local.removeprefix('ws_'))}"


def _texts_of(interaction: Interaction) -> Iterator[tuple[str, str]]:
    yield "the address", interaction.uri
    yield "the reason", interaction.reason
    for _, value in (*interaction.request_headers, *interaction.response_headers):
        yield "a header", value
    for value in interaction.meta.values():
        yield "a note", value
    for body in (interaction.request_body, interaction.response_body):
        yield "a body", body.decode("latin-1")
        if (inner := unpacked_by_look(body)) != body:
            yield "a compressed body", inner.decode("latin-1")


def _is_telling(value: str) -> bool:
    # A word that a generated request had in a secret's place also stands in ordinary sentences: it is replaced in its
    # place only. Registered secrets are replaced everywhere.
    if len(value) < 8:
        return False
    return len(value) >= 16 or not value.isalpha()


def _is_distinct(value: str) -> bool:
    # of names and ids, those that can be part of no word: the others are replaced where they stand alone
    return len(value) >= 10 and (any(char.isdigit() for char in value) or " " in value)


def _is_searched_for(value: str) -> bool:
    return not is_part_of_pseudonyms(value) and not holds_pseudonym(value)
