"""The project itself: which version this is, and where it is kept and described."""

from __future__ import annotations

from typing import Final

__version__ = "0.1.0"

REPOSITORY: Final = "https://github.com/pytest-adyen-creds/pytest-adyen-creds"
"""Where the project is kept: what its output and what it writes lead to."""
DOCUMENTATION: Final = "https://pytest-adyen-creds.github.io/pytest-adyen-creds/"
"""Where its documentation is to be read."""
