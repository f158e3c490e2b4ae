"""Dead runs: what the ledgers of killed runs tell."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import urlsplit

from pytest_adyen_creds import clock
from pytest_adyen_creds.credentials.locking import lock

if TYPE_CHECKING:
    from pytest_adyen_creds.client import Place

KEPT_FOR: Final = timedelta(days=30)
"""How long the file of a run whose server is no longer asked is kept."""

_EMPTY_FOR: Final = timedelta(days=1)
_LARGEST: Final = 4 * 1024 * 1024


@dataclass(frozen=True)
class DeadRun:
    """What the ledger of a run that was killed tells."""

    path: Path
    run: str
    base_url: str
    company: str
    started: datetime
    unsettled: int
    """Creations that were sent and whose outcome nobody knows."""
    known: frozenset[str]
    """The ids it created or set out to claim."""
    created: frozenset[str]
    """Those of them that it created."""
    places: Mapping[str, Place]
    """Where those of them are of which that is known."""
    accounts: frozenset[Place]
    """Where it created, or may have created, or claimed something."""

    def is_of(self, base_url: str, company: str) -> bool:
        """Return whether it is about ``company`` at the server of ``base_url``, whatever the version."""
        one, two = urlsplit(self.base_url), urlsplit(base_url)
        return (one.scheme, one.netloc, self.company) == (two.scheme, two.netloc, company)


@contextmanager
def dead_runs(folder: Path, base_url: str, company: str, *, tidy: bool = True) -> Iterator[list[DeadRun]]:
    """Give the killed runs of one account while their files are locked, so that nobody else recovers them too.

    Of ``base_url`` the version does not count, since credentials are the same in all. With ``tidy``, files that are
    older than :data:`KEPT_FOR` are deleted, and those that tell of no run and are older than a day. Nothing is raised
    for a folder that is not there or cannot be read: the tags tell the rest.
    """
    held: list[BinaryIO] = []
    found: list[DeadRun] = []
    useless: list[Path] = []
    try:
        for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
            try:
                file: BinaryIO = path.open("r+b")
            except OSError:
                continue
            held.append(file)
            with suppress(OSError):
                if not lock(file):
                    continue
                run = _read(path, file.read(_LARGEST))
                if run is not None and run.is_of(base_url, company) and not _is_older(run.started, KEPT_FOR):
                    found.append(run)
                    continue
                # without a first line it may be one that a run is about to write
                changed = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
                if _is_older(run.started if run else changed, KEPT_FOR if run else _EMPTY_FOR):
                    useless.append(path)
            held.pop().close()
        yield found
    finally:
        for open_file in held:
            open_file.close()
        for path in useless if tidy else ():
            with suppress(OSError):
                path.unlink()


def _read(path: Path, data: bytes) -> DeadRun | None:
    intents: set[str] = set()
    created: set[str] = set()
    known: set[str] = set()
    places: dict[str, Place] = {}
    accounts: set[Place] = set()
    settled = 0
    header: dict[str, Any] = {}
    for line in data.splitlines():
        try:
            record = json.loads(line)
            event, subject = record["event"], str(record.get("intent", record.get("id")))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # cut off in the middle of the last write
        if event == "run":
            header = record
        elif event == "intent":
            intents.add(subject)
            accounts |= _accounts_in(subject)
        elif event == "refused":
            intents.discard(subject)
        elif event in ("created", "claiming"):
            known.add(subject)
            level, account = record.get("level"), record.get("account")
            if level in ("company", "merchant") and isinstance(account, str):
                places[subject] = level, account
            if event == "created":
                created.add(subject)
                settled += 1
    try:
        started = datetime.fromisoformat(header["at"])
        run, base_url, company = (str(header[name]) for name in ("run", "base_url", "company"))
    except (KeyError, ValueError, TypeError):
        return None
    return DeadRun(
        path,
        run,
        base_url,
        company,
        started if started.tzinfo else started.replace(tzinfo=UTC),
        unsettled=max(0, len(intents) - settled),
        known=frozenset(known),
        created=frozenset(created),
        places=places,
        accounts=frozenset(accounts | set(places.values())),
    )


def _accounts_in(intent: str) -> set[Place]:
    match = re.search(r"/(companies|merchants)/([^/ ?]+)/apiCredentials\b", intent)
    return set() if match is None else {("company" if match[1] == "companies" else "merchant", match[2])}


def _is_older(moment: datetime, age: timedelta) -> bool:
    return moment < clock.now() - age
