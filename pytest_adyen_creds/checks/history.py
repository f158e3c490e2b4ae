"""What a sequence of exchanges has shown so far: credentials, their keys and origins, and the pages of lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pytest_adyen_creds.checks.seen import Seen, items, own_path, texts
from pytest_adyen_creds.text import normalised

_SHORTEST: Final = 6


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


@dataclass
class Listing:
    """The pages of one list that were read since something changed: page number to ids."""

    total: int
    pages: dict[int, tuple[str, ...]] = field(default_factory=dict)


class History:
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
        self.listings: dict[tuple[str, str], Listing] = {}
        self.linked: dict[str, str] = {}
        """Paths that answers linked to as their own resource, and where they did."""

    def signer(self, seen: Seen) -> Known | None:
        """Return the credential that signed the request; None where it is not one the sequence showed the key of."""
        key, basic = seen.presented
        if key is not None and key in self.keys:
            return self.credentials.get(self.keys[key].credential)
        if basic is not None and basic[1] in self.passwords:
            return self.credentials.get(self.passwords[basic[1]])
        return None

    def subject(self, seen: Seen) -> Known | None:
        """Return the credential that the request is about, where the sequence has met it."""
        if seen.level == "me":
            return self.signer(seen)
        return self.credentials.get(seen.parameters.get("apiCredentialId", ""))

    def add(self, seen: Seen) -> None:
        """Take in one exchange."""
        self._note_secrets(seen)
        life = self.keys.get(seen.presented[0] or "")
        if life is not None and seen.status not in (401, 429) and seen.status < 500:
            life.worked = True
        if seen.changes:
            self._note_change(seen)
        for _, shown in seen.credentials():
            self._note_credential(seen, shown)
        if seen.good and seen.kind == "page":
            self._note_page(seen)
        subject = self.subject(seen)
        if subject is not None and seen.good:
            self._note_origins(subject, seen)

    def _note_secrets(self, seen: Seen) -> None:
        key, basic = seen.presented
        shown = [text for _, name, text in texts(seen.body) if name in seen.contract.secret_properties and seen.good]
        self.secrets |= {s for s in (key, basic and basic[1], *shown) if s and len(s) >= _SHORTEST}

    def _note_change(self, seen: Seen) -> None:
        # a refusal changed nothing; whether an answer that failed did is not known
        if 400 <= seen.status < 500:
            return
        self.listings.clear()
        subject = self.subject(seen)
        clear = seen.good and (isinstance(seen.body, dict) or seen.status == 204)
        if subject is None:
            return
        if not clear:
            subject.forget()
        elif seen.kind == "api-key" and isinstance(seen.body.get("apiKey") if seen.body else None, str):
            for life in self.keys.values():
                if life.credential == subject.id and life.replaced is None:
                    life.replaced = seen.at
            self.keys[seen.body["apiKey"]] = KeyLife(subject.id)
        elif seen.kind == "client-key" and isinstance(seen.body.get("clientKey") if seen.body else None, str):
            subject.client_keys.add(seen.body["clientKey"])
        elif seen.operation.method == "PATCH" and seen.status == 204:
            subject.forget()

    def _note_credential(self, seen: Seen, shown: dict[str, Any]) -> None:
        id = shown.get("id")
        if not isinstance(id, str):
            return
        known = self.credentials.setdefault(id, Known(id))
        if seen.kind == "created":
            known.path = seen.path
        # the credential that makes others is read in a set-up too, and is no one's to change
        made_it = isinstance(shown.get("username"), str) and shown["username"].startswith("ws@")
        known.own = known.own or seen.kind == "created" or (seen.own and not made_it)
        # which merchant accounts GET /me names for a credential of the whole company is in no document
        unclear = ("associatedMerchantAccounts",) if seen.level == "me" else ()
        for name, value in shown.items():
            if name not in ("_links", "apiKey", "password", "clientKey", "allowedOrigins", *unclear):
                known.fields[name] = value
        for name in ("description", "subjectDN"):
            known.fields[name] = shown.get(name) or ""
        known.active = shown["active"] if isinstance(shown.get("active"), bool) else None
        if isinstance(shown.get("clientKey"), str):
            known.client_keys.add(shown["clientKey"])
        emptied = seen.changes and isinstance(seen.sent, dict) and seen.sent.get("allowedOrigins") == []
        if "allowedOrigins" in shown or seen.kind == "created" or emptied:
            known.origins = _by_id(items(shown, "allowedOrigins"))
        if isinstance(shown.get("apiKey"), str) and seen.kind == "created":
            self.keys.setdefault(shown["apiKey"], KeyLife(id))
        if isinstance(shown.get("password"), str) and seen.kind == "created":
            self.passwords.setdefault(shown["password"], id)
        if seen.level == "me":
            self._note_me(seen, shown)
        self._note_link(seen, shown)

    def _note_me(self, seen: Seen, shown: dict[str, Any]) -> None:
        username = shown.get("username")
        if isinstance(username, str) and username.startswith("ws@Company."):
            self.giveable = frozenset(normalised(role) for role in items(shown, "roles") if isinstance(role, str))
        key = seen.presented[0]
        if key is not None:
            self.keys.setdefault(key, KeyLife(shown["id"], worked=True))

    def _note_link(self, seen: Seen, shown: dict[str, Any]) -> None:
        path = own_path(shown)
        if path is not None:
            self.linked.setdefault(path, seen.operation.label)

    def _note_page(self, seen: Seen) -> None:
        total = seen.body.get("itemsTotal") if isinstance(seen.body, dict) else None
        number = seen.query.get("pageNumber", "1")
        if not isinstance(total, int) or not number.isascii() or not number.isdigit() or len(number) > 9:
            return
        key = seen.path, seen.query.get("pageSize", "10")
        listing = self.listings.get(key)
        if listing is None or listing.total != total:
            listing = self.listings[key] = Listing(total)
        listing.pages[int(number)] = tuple(
            item["id"] for _, item in seen.credentials() if isinstance(item.get("id"), str)
        )

    def _note_origins(self, subject: Known, seen: Seen) -> None:
        if seen.operation.method == "DELETE":
            gone = seen.parameters.get("originId", "")
            subject.removed.add(gone)
            if subject.origins is not None:
                subject.origins.pop(gone, None)
        elif seen.kind == "origins" and seen.status != 204:
            subject.origins = _by_id(items(seen.body, "data"))
        elif seen.kind == "origin" and subject.origins is not None and isinstance(seen.body, dict):
            subject.origins |= _by_id([seen.body])
        for _, shown in seen.origins():
            self._note_link(seen, shown)


def _by_id(origins: list[Any]) -> dict[str, str]:
    return {
        origin["id"]: origin["domain"]
        for origin in origins
        if isinstance(origin, dict) and isinstance(origin.get("id"), str) and isinstance(origin.get("domain"), str)
    }
