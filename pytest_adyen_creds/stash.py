"""The stash: where pytest keeps what belongs to a run."""

from __future__ import annotations

from typing import Any, Final

import pytest

RUN: Final[pytest.StashKey[Any]] = pytest.StashKey()
"""The :class:`.state.Run`; not there in a run that does not use the plugin, which must not import it either."""

TEST: Final[pytest.StashKey[str]] = pytest.StashKey()
"""The node id of the test that runs; empty, or not there, where none does."""

KEY: Final[pytest.StashKey[Any]] = pytest.StashKey()
"""The :class:`.settings.ProvisioningKey`; not there where the environment has no key."""
