"""The stash: where pytest keeps what belongs to a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pytest_adyen_creds.intercept.floor import Floor
    from pytest_adyen_creds.run import Run

RUN: Final[pytest.StashKey[Run]] = pytest.StashKey()
"""The run's settings, observations and results; not there in a run that does not use the plugin."""

FLOOR: Final[pytest.StashKey[Floor]] = pytest.StashKey()
"""The guard at the socket, while tests run."""
