"""What people type into the pages' forms, as what it stands for."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox.faults import ARGUMENTS, DETAILS, SETTERS, FaultKind


def lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text area that are not empty."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def sentence(error: Exception) -> str:
    """Return an error's text as a sentence."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def meaning(kind: FaultKind) -> str:
    """Return what a fault of ``kind`` does, in one sentence."""
    said = inspect.getdoc(SETTERS[kind]) or ""
    return " ".join(said.partition("\n\n")[0].split()).replace("``", "")


def details(kind: str, sent: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of a fault that a form gives: those of its kind, where they are not empty."""
    taken: dict[str, Any] = {}
    for name in (*DETAILS.get(kind, ()), "operation", "times", "probability"):
        text = sent.get(name, "").strip()
        if not text:
            if name == "times":
                taken[name] = None
            continue
        types = ARGUMENTS[name][0]
        try:
            taken[name] = int(text) if int in types and float not in types else float(text) if float in types else text
        except ValueError:
            raise SandboxError(f"{name} {text!r} is no number; write {ARGUMENTS[name][2]}") from None
    return taken
