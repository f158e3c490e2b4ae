"""The fork guard: what belongs to the process that made it, and not to one that a test forks."""

from __future__ import annotations

import os
from typing import Final
from weakref import WeakSet

from pytest_adyen_creds.errors import CredentialError


class ForkGuard:
    """Belongs to the process that made it: one that is forked from it would do things that the run never hears of."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        _GUARDED.add(self)

    @property
    def is_forked(self) -> bool:
        """Whether this is another process than the one that made it."""
        return os.getpid() != self._pid

    def check_process(self) -> None:
        """Raise :class:`CredentialError` in a forked process."""
        if self.is_forked:
            raise CredentialError(
                "a process that a test has forked can neither lease nor create a credential, because the run would "
                "not know of it; nothing was sent: do it in the test itself, before it forks"
            )

    def after_fork(self) -> None:
        """Close what must not stay open where a forked process outlives this one; called in the forked one."""


_GUARDED: Final[WeakSet[ForkGuard]] = WeakSet()


def _after_fork() -> None:
    for guarded in list(_GUARDED):
        guarded.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
