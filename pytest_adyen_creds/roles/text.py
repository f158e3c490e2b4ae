"""A need in text: which roles, for what, and what is granted for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_adyen_creds.text import counted

_MOST = 5
"""Roles of one credential that are shown unless more is asked for."""


def need_lines(
    need: Mapping[str, Any], unused: Sequence[tuple[str, str]] | None = None, *, verbosity: int = 0
) -> Iterator[str]:
    """Yield what a need as JSON says (see :meth:`.Need.to_json`), line by line."""
    if unused is None:
        unused = [(each["credential"], each["role"]) for each in need["granted_unused"]]
    evidence = need["evidence"]
    width = max((len(each["role"]) for each in evidence), default=0)
    for each in evidence:
        operations = each["operations"]
        shown = operations if verbosity > 0 else operations[:2]
        more = f" and {len(operations) - len(shown)} more" if len(operations) > len(shown) else ""
        told = [f"{', '.join(shown)}{more}", counted(each["tests"], "test")]
        if runs := [run for run, roles in need.get("runs", {}).items() if each["role"] in roles]:
            told.append(f"shown by {', '.join(runs)}")
        yield f"needed   {each['role'].ljust(width)}  {'; '.join(told)}"
    by_role: dict[str, list[str]] = {}
    for credential, role in unused:
        by_role.setdefault(credential, []).append(role)
    for credential, roles in by_role.items():
        shown = roles if verbosity > 0 else roles[:_MOST]
        more = f" and {len(roles) - len(shown)} more" if len(roles) > len(shown) else ""
        yield f"unused   {credential}: {', '.join(shown)}{more}"
    unclear: dict[str, list[str]] = {}
    for each in need.get("granted_unclear", ()):
        unclear.setdefault(each["credential"], []).append(each["role"])
    for credential, roles in unclear.items():
        shown = roles if verbosity > 0 else roles[:_MOST]
        more = f" and {len(roles) - len(shown)} more" if len(roles) > len(shown) else ""
        yield f"unclear  {credential}: {', '.join(shown)}{more}; it called what is unknown below"
    for each in need["refused"]:
        yield f"refused  {each['operation']} to {each['credential']} ({each['test']}): lacks {each['missing']}"
    for operation in need["unknown"]:
        yield f"unknown  {operation}: no contract says what it asks for"
    if verbosity > 0:
        for test, roles in need["by_test"].items():
            yield f"test     {test}: {', '.join(roles) or 'none'}"
    yield (
        f"{counted(len(need['needed']), 'role')} needed by {counted(len(need['by_test']), 'test')}, "
        f"{len(unused)} granted for nothing, {counted(len(need['refused']), 'refusal')}"
    )
