"""``adyen-roles.toml``: the roles that earlier runs found each test to need, kept with the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pytest_adyen_creds.errors import CredentialError, FileRefused
from pytest_adyen_creds.files import write_text
from pytest_adyen_creds.formats import read_toml
from pytest_adyen_creds.secrets import mask_text

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
    found = {mask_text(test): [mask_text(role) for role in roles] for test, roles in by_test.items()}
    known = {**(_read(path) if path.is_file() else {}), **found}
    lines = [f"{_toml(test)} = [{', '.join(map(_toml, roles))}]" for test, roles in sorted(known.items())]
    write_text(path, "\n".join([_HEAD, "[tests]", *lines, ""]))
    return path


def _toml(text: str) -> str:
    # JSON's escapes are TOML's, but for surrogates, and for DEL, which TOML has escaped
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def needed_by(folder: Path, test: str) -> tuple[str, ...]:
    """Return the roles that ``test`` needs; raises :class:`CredentialError` where no run has said."""
    path = folder / FILE
    try:
        known = _read(path) if path.is_file() else {}
    except FileRefused as error:
        raise CredentialError(f'{test}: roles="needed": {error}') from None
    test = mask_text(test)
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
