"""Whether a CI service runs the tests, or a person who waits for them."""

from __future__ import annotations

import os
from typing import Final

ON_CI: Final = os.environ.get("CI", "") not in ("", "false")
