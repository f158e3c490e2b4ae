"""The budget: how many credentials a run may create, since none can ever be deleted."""

from __future__ import annotations

import threading
from collections import Counter

from pytest_adyen_creds.errors import BudgetSpent


class Budget:
    """At most ``limit`` creations, counted by intent; thread-safe.

    An intent keeps its slot until each attempt that was reserved for it, in whatever process, is freed again. A run of
    many processes brings a subclass that they share: ``limit``, :attr:`spent`, :meth:`reserve`, :meth:`free` and
    :meth:`lost` are all that is asked.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._attempts: Counter[str] = Counter()
        self._lock = threading.RLock()  # a subclass does more under it

    @property
    def spent(self) -> int:
        """The creations that happened or may have happened."""
        return len(self._attempts)

    def reserve(self, intent: str) -> None:
        """Note an attempt, and take a slot if ``intent`` has none yet; raises :class:`BudgetSpent` if none is left."""
        with self._lock:
            if intent not in self._attempts and len(self._attempts) >= self.limit:
                raise BudgetSpent(
                    f"creating one more credential would exceed the budget of {self.limit}; nothing was sent: "
                    "raise --adyen-max-created (a credential can never be deleted)"
                )
            self._attempts[intent] += 1

    def free(self, intent: str) -> None:
        """Take an attempt back, of which the server said that nothing was created; with the last one goes the slot."""
        with self._lock:
            self._attempts[intent] -= 1
            if self._attempts[intent] <= 0:
                del self._attempts[intent]

    def lost(self, intent: str) -> None:
        """Take note that an attempt for ``intent`` has no answer, so that more than one may have been created for it.

        A server that does not honour the idempotency key creates one for each attempt. The slot stays taken.
        """
