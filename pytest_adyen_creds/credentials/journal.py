"""The journal of what a run must undo: what provisioning writes down, and where nothing has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.credential import Level


class Journal(Protocol):
    """What is written down before a request that cannot be taken back; the ledger is one."""

    def created(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note the id of a throwaway that was created, and where."""
        ...

    def claiming(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note that a throwaway is about to be claimed, and where it is."""
        ...

    def problem(self, kind: str, text: str) -> None:
        """Keep why no throwaway could be had."""
        ...


class NoJournal:
    """For the embedded sandbox, which ends with the process: nothing is left behind."""

    def created(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note nothing."""

    def claiming(self, credential_id: str, level: Level | None = None, account: str | None = None) -> None:
        """Note nothing."""

    def problem(self, kind: str, text: str) -> None:
        """Note nothing."""
