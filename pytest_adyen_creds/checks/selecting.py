"""Selecting: the command that judges one item of the suite again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_adyen_creds.checks.scenarios import SCENARIOS

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.results import Results


def sequence_of(name: str) -> str:
    """Return the sequence that an item of the suite is about: a label, a scenario's name, or ``stateful``."""
    return name.partition("[")[2].removesuffix("]") or name.removeprefix("test_")


def command(item: str, results: Results) -> str:
    """Return the command that runs the item named ``item`` (an operation's label, a scenario's name, ``stateful``).

    For a live run, the command that records it as well, and then the one that judges the recording offline.
    """
    settings = results.settings
    names = [f"test_operation[{label}]" for label in results.contract.operations]
    names += [f"test_life[{name}]" for name in SCENARIOS] + ["test_stateful"]
    wanted = next((name for name in names if name.partition("[")[2] == f"{item}]"), f"test_{item}")
    parts = ["pytest", "--adyen-contracts"]
    if settings.backend != "auto":
        parts.append(f"--adyen-backend={settings.backend}")
    if settings.backend == "live":
        parts.append(f"--adyen-base-url={settings.base_url}")
    elif settings.api_version != "v3":
        parts.append(f"--adyen-api-version={settings.api_version}")
    chosen = ["-k", expression(wanted, names)]
    if settings.backend != "live":
        return shlex.join([*parts, *chosen])
    version = [] if settings.api_version == "v3" else [f"--adyen-api-version={settings.api_version}"]
    offline = ["pytest", "--adyen-contracts", "--adyen-backend=replay", *version, *chosen]
    return f"{shlex.join([*parts, '--adyen-record=all', *chosen])}\n{shlex.join(offline)}"


def expression(wanted: str, names: Iterable[str]) -> str:
    """Return a ``-k`` expression that selects ``wanted`` alone among ``names``; it cannot hold braces."""
    others = [name for name in names if name != wanted]
    terms: list[str] = []
    for word in sorted(_words(wanted), key=len, reverse=True):
        left = [name for name in others if word.lower() not in name.lower()]
        if left:
            terms.append(word)
            others = [name for name in others if word.lower() in name.lower()]
    for other in list(others):
        if other in others:
            strange = sorted((w for w in _words(other) if w.lower() not in wanted.lower()), key=len)
            if strange:
                terms.append(f"not {strange[-1]}")
                others = [name for name in others if strange[-1].lower() not in name.lower()]
    return " and ".join(terms) or wanted.partition("[")[0]


def _words(name: str) -> list[str]:
    words = [word for word in re.split(r"[{}\s]+", name) if word]
    return [word for word in words if word not in ("and", "or", "not") and re.fullmatch(r"[\w:+\-.\[\]\\/]+", word)]
