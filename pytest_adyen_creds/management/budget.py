"""The budget: how many credentials a run may create, since none can ever be deleted."""

from __future__ import annotations

import threading

from pytest_adyen_creds.errors import BudgetSpent


class Budget:
    """At most ``limit`` creations, counted by intent; thread-safe.

    A run of many processes brings a subclass that they share: ``limit``, :attr:`spent`, :meth:`reserve`, :meth:`free`
    and :meth:`lost` are all that is asked.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._intents: set[str] = set()
        self._lock = threading.Lock()

    @property
    def spent(self) -> int:
        """The creations that happened or may have happened."""
        return len(self._intents)

    def reserve(self, intent: str) -> None:
        """Take a slot for ``intent``, if it has none yet; raises :class:`BudgetSpent` when none is left."""
        with self._lock:
            if intent in self._intents:
                return
            if len(self._intents) >= self.limit:
                raise BudgetSpent(
                    f"creating one more credential would exceed the budget of {self.limit}; nothing was sent: "
                    "raise --adyen-max-created (a credential can never be deleted)"
                )
            self._intents.add(intent)

    def free(self, intent: str) -> None:
        """Give the slot back: the server said that nothing was created."""
        with self._lock:
            self._intents.discard(intent)

    def lost(self, intent: str) -> None:
        """Take note that an attempt for ``intent`` has no answer, so that more than one may have been created for it.

        A server that does not honour the idempotency key creates one for each attempt. The slot stays taken.
        """
