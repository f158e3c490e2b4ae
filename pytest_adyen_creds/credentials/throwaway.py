"""A throwaway that a run holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pytest_adyen_creds.credentials.credential import ShownCredential


@dataclass
class Throwaway:
    """A throwaway that this run holds: its credential as it is now, and its times."""

    credential: ShownCredential
    expires: datetime
    """What its tag says."""
    key_made: datetime

    @property
    def id(self) -> str:
        """The credential's id."""
        return self.credential.id
