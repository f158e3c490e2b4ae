"""What a sequence of exchanges has shown so far: credentials, their keys and origins, and the pages of lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pytest_adyen_creds.checks.exchange import SET_UP, Exchange, items, own_path
from pytest_adyen_creds.text import normalised

SHORTEST: Final = 6
"""Characters of the shortest text that is taken for a secret."""


@dataclass
class KeyLife:
    """One API key: whose it is, when it was replaced (seconds, None: not), and whether it ever let somebody in."""

    credential: str
    replaced: float | None = None
    worked: bool = False


@dataclass
class Known:
    """What is known of one credential; what an unclear answer made doubtful is forgotten."""

    id: str
    path: str = ""
    """Where it was created: the list's path; empty for one that was there before."""
    own: bool = False
    """Whether it was made, or leased, for this sequence, so that nobody else changes it."""
    fields: dict[str, Any] = field(default_factory=dict)
    active: bool | None = None
    origins: dict[str, str] | None = None
    """Id to domain; None where the whole list is not known."""
    removed: set[str] = field(default_factory=set)
    """Ids of origins that were removed."""
    client_keys: set[str] = field(default_factory=set)

    def forget(self) -> None:
        """Keep only what no request can change."""
        self.fields = {name: value for name, value in self.fields.items() if name in ("id", "username")}
        self.active = self.origins = None


class KnownState:
    """The sequence so far; :meth:`add` takes in the next exchange after the rules have judged it."""

    def __init__(self) -> None:
        self.credentials: dict[str, Known] = {}
        self.keys: dict[str, KeyLife] = {}
        self.passwords: dict[str, str] = {}
        """Password to credential id."""
        self.secrets: set[str] = set()
        """API keys, passwords and client keys that answers showed or requests presented."""
        self.giveable: frozenset[str] | None = None
        """The roles of ``ws@Company.…``, normalised; None where it was not seen."""
        self.listings: dict[tuple[str, int, int], dict[int, tuple[str, ...]]] = {}
        """The ids on the pages that were read since something changed, by path, size and total, and by number."""
        self.linked: dict[str, str] = {}
        """Paths that answers linked to as their own resource, and where they did."""

    def signer(self, exchange: Exchange) -> Known | None:
        """Return the credential that signed the request; None where it is not one the sequence showed the key of."""
        key, basic = exchange.presented
        if key is not None and key in self.keys:
            return self.credentials.get(self.keys[key].credential)
        if basic is not None and basic[1] in self.passwords:
            return self.credentials.get(self.passwords[basic[1]])
        return None

    def subject(self, exchange: Exchange) -> Known | None:
        """Return the credential that the request is about, where the sequence has met it."""
        if exchange.level == "me":
            return self.signer(exchange)
        return self.credentials.get(exchange.parameters.get("apiCredentialId", ""))

    def add(self, exchange: Exchange) -> None:
        """Take in one exchange."""
        self._note_secrets(exchange)
        life = self.keys.get(exchange.presented[0] or "")
        if life is not None and exchange.status not in (401, 429) and exchange.status < 500:
            life.worked = True
        if exchange.changes:
            self._note_change(exchange)
        for _, shown in exchange.credentials():
            self._note_credential(exchange, shown)
        if (page := exchange.page) is not None:
            ids = tuple(item["id"] for _, item in exchange.credentials() if isinstance(item.get("id"), str))
            self.listings.setdefault((exchange.path, page.size, page.total), {})[page.number] = ids
        subject = self.subject(exchange)
        if subject is not None and exchange.good:
            self._note_origins(subject, exchange)

    def _note_secrets(self, exchange: Exchange) -> None:
        names = exchange.contract.secret_properties if exchange.good else ()
        shown = [text for _, name, text in exchange.body_texts if name in names]
        self.secrets |= {secret for secret in (*exchange.presented_secrets, *shown) if len(secret) >= SHORTEST}

    def _note_change(self, exchange: Exchange) -> None:
        # a refusal changed nothing; whether an answer that failed did is not known
        if 400 <= exchange.status < 500:
            return
        self.listings.clear()
        subject = self.subject(exchange)
        clear = exchange.good and (isinstance(exchange.body, dict) or exchange.status == 204)
        if subject is None:
            return
        if not clear:
            subject.forget()
        elif exchange.kind == "api-key" and isinstance(exchange.shown.get("apiKey"), str):
            for life in self.keys.values():
                if life.credential == subject.id and life.replaced is None:
                    life.replaced = exchange.at
            self.keys[exchange.body["apiKey"]] = KeyLife(subject.id)
        elif exchange.kind == "client-key" and isinstance(exchange.shown.get("clientKey"), str):
            subject.client_keys.add(exchange.body["clientKey"])
        elif exchange.operation.method == "PATCH" and exchange.status == 204:
            subject.forget()

    def _note_credential(self, exchange: Exchange, shown: dict[str, Any]) -> None:
        id = shown.get("id")
        if not isinstance(id, str):
            return
        known = self.credentials.setdefault(id, Known(id))
        if exchange.kind == "created":
            known.path = exchange.path
        # the credential that makes others is read in a set-up too, and is no one's to change
        made_it = isinstance(shown.get("username"), str) and shown["username"].startswith("ws@")
        known.own = known.own or exchange.kind == "created" or (exchange.generated_by == SET_UP and not made_it)
        # which merchant accounts GET /me names for a credential of the whole company is in no document
        unclear = ("associatedMerchantAccounts",) if exchange.level == "me" else ()
        for name, value in shown.items():
            if name not in ("_links", "apiKey", "password", "clientKey", "allowedOrigins", *unclear):
                known.fields[name] = value
        for name in ("description", "subjectDN"):
            known.fields[name] = shown.get(name) or ""
        known.active = shown["active"] if isinstance(shown.get("active"), bool) else None
        if isinstance(shown.get("clientKey"), str):
            known.client_keys.add(shown["clientKey"])
        emptied = exchange.changes and exchange.asked.get("allowedOrigins") == []
        if "allowedOrigins" in shown or exchange.kind == "created" or emptied:
            known.origins = _by_id(items(shown, "allowedOrigins"))
        if isinstance(shown.get("apiKey"), str) and exchange.kind == "created":
            self.keys.setdefault(shown["apiKey"], KeyLife(id))
        if isinstance(shown.get("password"), str) and exchange.kind == "created":
            self.passwords.setdefault(shown["password"], id)
        if exchange.level == "me":
            self._note_me(exchange, shown)
        self._note_link(exchange, shown)

    def _note_me(self, exchange: Exchange, shown: dict[str, Any]) -> None:
        username = shown.get("username")
        if isinstance(username, str) and username.startswith("ws@Company."):
            self.giveable = frozenset(normalised(role) for role in items(shown, "roles") if isinstance(role, str))
        key = exchange.presented[0]
        if key is not None:
            self.keys.setdefault(key, KeyLife(shown["id"], worked=True))

    def _note_link(self, exchange: Exchange, shown: dict[str, Any]) -> None:
        path = own_path(shown)
        if path is not None:
            self.linked.setdefault(path, exchange.operation.label)

    def _note_origins(self, subject: Known, exchange: Exchange) -> None:
        if exchange.operation.method == "DELETE":
            gone = exchange.parameters.get("originId", "")
            subject.removed.add(gone)
            if subject.origins is not None:
                subject.origins.pop(gone, None)
        elif exchange.kind == "origins" and exchange.status != 204:
            subject.origins = _by_id(items(exchange.body, "data"))
        elif exchange.kind == "origin" and subject.origins is not None:
            subject.origins |= _by_id([exchange.shown])
        for _, shown in exchange.origins():
            self._note_link(exchange, shown)


def _by_id(origins: list[Any]) -> dict[str, str]:
    return {
        origin["id"]: origin["domain"]
        for origin in origins
        if isinstance(origin, dict) and isinstance(origin.get("id"), str) and isinstance(origin.get("domain"), str)
    }
