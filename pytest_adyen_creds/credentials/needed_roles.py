"""``adyen-roles.toml``: the roles that earlier runs found each test to need, kept with the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pytest_adyen_creds.errors import CredentialError, FileRefused
from pytest_adyen_creds.files import write_text
from pytest_adyen_creds.formats import read_toml

FILE: Final = "adyen-roles.toml"
NEEDED: Final = "needed"
"""What ``roles`` of the marker ``adyen_credential`` is for what the file says."""

_HEAD: Final = """\
# The roles that each test needs, as a run found it: pytest --adyen-roles=write.
# @pytest.mark.adyen_credential(roles="needed") leases a credential with these and no others.
"""


def write_needed(folder: Path, by_test: Mapping[str, tuple[str, ...]]) -> Path:
    """Write what each test needs, beside what the file says of others, and return its path; raises FileRefused."""
    path = folder / FILE
    known = {**(_read(path) if path.is_file() else {}), **{test: list(roles) for test, roles in by_test.items()}}
    lines = [f"{json.dumps(test)} = {json.dumps(roles, ensure_ascii=False)}" for test, roles in sorted(known.items())]
    write_text(path, "\n".join([_HEAD, "[tests]", *lines, ""]))
    return path


def needed_by(folder: Path, test: str) -> tuple[str, ...]:
    """Return the roles that ``test`` needs; raises :class:`CredentialError` where no run has said."""
    path = folder / FILE
    known = _read(path) if path.is_file() else {}
    if test not in known:
        raise CredentialError(
            f'{test}: roles="needed", and {path.name} does not say what it needs; write it with '
            "pytest --adyen-roles=write, while the test leases a credential with roles that suffice"
        )
    return tuple(known[test])


def _read(path: Path) -> dict[str, Any]:
    tests = read_toml(path).get("tests", {})
    if not isinstance(tests, dict) or not all(
        isinstance(roles, list) and all(isinstance(role, str) for role in roles) for roles in tests.values()
    ):
        raise FileRefused(f"{path}: [tests] maps names of tests to lists of roles; correct it, or write it anew")
    return tests
