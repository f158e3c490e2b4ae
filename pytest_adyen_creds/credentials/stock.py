"""The stock: the throwaways that a run has, from their making to their switching off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from pytest_adyen_creds.client import Place
from pytest_adyen_creds.credentials.ending import SWEEP, Deadline, Left
from pytest_adyen_creds.credentials.gate import Gate
from pytest_adyen_creds.credentials.provisioning import Provisioner
from pytest_adyen_creds.credentials.throwaway import Throwaway
from pytest_adyen_creds.errors import AdyenCredsError, BudgetSpent, CredentialError


class Stock:
    """Makes throwaways with ``provisioner``, knows each of them, and switches them off; thread-safe.

    ``recycling``: look for throwaways of earlier runs first. ``before`` is called before anything is made.
    """

    def __init__(self, provisioner: Provisioner, *, recycling: bool, before: Callable[[], None]) -> None:
        self.gate = Gate()
        self.is_dirty = False
        """Whether something went wrong that may have left a throwaway that is not known here."""
        self.created: set[str] = set()
        """The ids that were created."""
        self.recycled: set[str] = set()
        """The ids that were taken over from earlier runs."""
        self.switched_off: set[str] = set()
        """The ids that were switched off at the end."""
        self._provisioner = provisioner
        self._recycling = recycling
        self._before = before
        self._lock = threading.Lock()
        self._all: dict[str, Throwaway] = {}
        self._tried: set[str] = set()

    @property
    def all(self) -> tuple[Throwaway, ...]:
        """The throwaways that are not known to be switched off."""
        with self._lock:
            return tuple(self._all.values())

    def make(self, place: Place, *, recycling: bool) -> Throwaway:
        """Return a throwaway that was recycled or created, and is not ready yet; raises what stops it."""
        self._before()
        with self.gate.passing("/".join(place)) as may:
            if not may:
                self.gate.check()
            try:
                throwaway = self._provisioner.recycle(*place, self._try) if recycling and self._recycling else None
                kind = self.created if throwaway is None else self.recycled
                throwaway = throwaway or self._provisioner.create(*place)
                with self._lock:
                    self._all[throwaway.id] = throwaway
                    self._tried.add(throwaway.id)
                    kind.add(throwaway.id)
            except BudgetSpent:
                raise
            except BaseException:
                # perhaps created or claimed, and nobody told
                self.is_dirty = True
                raise
        return throwaway

    def switch_off(self, deadline: Deadline) -> list[Left]:
        """Switch off all there is by ``deadline``; return what may still be active, and why.

        The gate is shut first. What is being changed is waited for, so that nothing switches it on again; what is still
        being changed at the deadline stays dirty.
        """
        self.gate.shut()
        # first what nothing is changing, in case whoever ends the run does not wait for the rest
        left = self._each((id for id in self._ids() if not self.gate.is_inside(id)), deadline)
        self.gate.wait(deadline)
        tried = {item.id for item in left}
        return left + self._each((id for id in self._ids() if id not in tried), deadline)

    @property
    def is_straggling(self) -> bool:
        """Whether a request that may switch a throwaway on is still under way."""
        return not self.gate.wait(Deadline(0))

    def _ids(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._all)

    def _each(self, ids: Iterable[str], deadline: Deadline) -> list[Left]:
        left = []
        for credential_id in ids:
            try:
                if deadline.is_over:
                    raise CredentialError(
                        f"throwaway {credential_id} was not switched off, because the {deadline.seconds:.0f} s that "
                        f"the end of a run may take were over; {SWEEP}"
                    )
                self._provisioner.switch_off(self._all[credential_id])
            except Exception as error:  # noqa: BLE001 - whatever it is, the others are to be switched off all the same
                self.is_dirty = True
                left.append(Left(credential_id, _words(credential_id, error)))
            else:
                with self._lock:
                    del self._all[credential_id]
                    self.switched_off.add(credential_id)
        return left

    def _try(self, credential_id: str) -> bool:
        with self._lock:
            if credential_id in self._tried:
                return False
            self._tried.add(credential_id)
            return True


def _words(credential_id: str, error: Exception) -> str:
    if isinstance(error, AdyenCredsError):
        return str(error)
    return f"throwaway {credential_id} could not be switched off: {type(error).__name__}: {error}; {SWEEP}"
