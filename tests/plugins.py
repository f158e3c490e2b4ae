"""Plugins of pytest that the runs within tests leave out."""

from __future__ import annotations

from typing import Final


def without(*names: str) -> str:
    """Return the options of pytest that leave plugins out."""
    return " ".join(f"-p no:{name}" for name in names)


GENERATORS: Final = ("schemathesis", "hypothesispytest")
OTHERS: Final = (
    *("randomly", "respx", "pytest_httpx", "requests_mock", "socket", "recording", "asyncio"),
    *("anyio", "freezer", "time_machine", "typeguard", "platformdirs", "xdist.looponfail"),
)
WITHOUT_GENERATORS: Final = without(*GENERATORS)
"""Leaves out what takes longer to import than most runs last, and changes nothing in runs that do not use it."""
ALONE: Final = without(*GENERATORS, *OTHERS)
