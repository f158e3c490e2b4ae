"""The gate: what changes a throwaway passes it, and at the end of a run it is shut and what is inside waited for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_adyen_creds.credentials.ending import Deadline
from pytest_adyen_creds.errors import CredentialError


class Gate:
    """Open until :meth:`shut`; thread-safe.

    Without it, a request that is still on its way when a run ends would switch on again what the run switched off.
    """

    def __init__(self) -> None:
        self.is_shut = threading.Event()
        self._left = threading.Condition()
        self._inside: Counter[str] = Counter()

    def shut(self) -> None:
        """Let nothing in any more."""
        with self._left:
            self.is_shut.set()

    def check(self) -> None:
        """Raise :class:`CredentialError` where the gate is shut."""
        if self.is_shut.is_set():
            raise CredentialError("the run is ending, so no throwaway is leased out any more; run again")

    @contextmanager
    def passing(self, what: str) -> Iterator[bool]:
        """Yield whether ``what`` may still be changed; where it may, the end of the run waits until it has been."""
        with self._left:
            may = not self.is_shut.is_set()
            self._inside[what] += may
        try:
            yield may
        finally:
            with self._left:
                self._inside[what] -= may
                self._left.notify_all()

    def is_inside(self, what: str) -> bool:
        """Return whether ``what`` is being changed now."""
        with self._left:
            return self._inside[what] > 0

    def wait(self, deadline: Deadline) -> bool:
        """Wait until nothing is inside, at most until ``deadline``; return whether nothing is."""
        with self._left:
            return self._left.wait_for(lambda: not self._inside.total(), deadline.left)
