"""SARIF 2.1.0: findings as GitHub's code scanning and other viewers read them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

from pytest_adyen_creds.project import DOCUMENTATION, REPOSITORY, __version__
from pytest_adyen_creds.secrets import mask_text
from pytest_adyen_creds.text import plain

SarifLevel = Literal["error", "warning", "note"]

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_FINGERPRINT: Final = "adyenCreds/v1"
_ROOT: Final = "%SRCROOT%"
_CONFIGURATIONS: Final = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


@dataclass(frozen=True, slots=True)
class SarifResult:
    """One finding: ``rule`` is its id, ``meaning`` what every finding of that id means, ``page`` where docs say more.

    ``path`` is the file it is about, or a URL; without one it stands at the project's pytest configuration, since
    viewers pass over what has no place. ``line`` counts from 1, 0 where it is not known. ``place`` is a name within,
    such as an operation.
    """

    rule: str
    level: SarifLevel
    message: str
    meaning: str = ""
    page: str = "index.html"
    path: str | Path | None = None
    line: int = 0
    place: str = ""


def to_sarif(results: Iterable[SarifResult], folder: Path) -> str:
    """Return ``results`` as a SARIF log, which shows no known secret.

    Paths in the repository around ``folder`` are written from its root on. A result's fingerprint is the same in every
    run that finds the same thing, whatever its line and whatever numbers are in its message.
    """
    results, root = list(results), _repository_of(folder)
    rules = {each.rule: each for each in reversed(results)}
    order = {name: number for number, name in enumerate(sorted(rules))}
    seen: Counter[str] = Counter()
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "pytest-adyen-creds",
                        "version": __version__,
                        "semanticVersion": __version__,
                        "informationUri": REPOSITORY,
                        "rules": [_rule(rules[name]) for name in order],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
                "results": [_result(each, order[each.rule], folder, root, seen) for each in results],
            }
        ],
    }
    return json.dumps(log, indent=2) + "\n"


def _rule(result: SarifResult) -> dict[str, Any]:
    meaning = _clean(result.meaning) or f"{result.rule.replace('-', ' ').capitalize()}."
    return {
        "id": result.rule,
        "shortDescription": {"text": meaning},
        "helpUri": f"{DOCUMENTATION}{result.page}",
        "defaultConfiguration": {"level": result.level},
    }


def _result(result: SarifResult, index: int, folder: Path, root: Path, seen: Counter[str]) -> dict[str, Any]:
    artifact = _artifact(result.path, folder, root)
    same = "\0".join((result.rule, artifact["uri"], result.place, re.sub(r"\d+", "#", result.message)))
    seen[same] += 1  # what is said twice of one place is two results
    fingerprint = hashlib.sha256(f"{same}\0{seen[same]}".encode(errors="surrogatepass")).hexdigest()[:32]
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": artifact}}
    if result.line:
        location["physicalLocation"]["region"] = {"startLine": result.line}
    if result.place:
        location["logicalLocations"] = [{"fullyQualifiedName": _clean(result.place)}]
    return {
        "ruleId": result.rule,
        "ruleIndex": index,
        "level": result.level,
        "message": {"text": _clean(result.message)},
        "locations": [location],
        "partialFingerprints": {_FINGERPRINT: fingerprint},
    }


def _artifact(path: str | Path | None, folder: Path, root: Path) -> dict[str, str]:
    if isinstance(path, str) and "://" in path:
        return {"uri": quote(_clean(path), safe="/:?#[]@!$&'()*+,;=%")}
    if path is None:
        path = next((folder / name for name in _CONFIGURATIONS if (folder / name).is_file()), folder)
    absolute = os.path.abspath(folder / path)  # noqa: PTH100 - a link keeps its name
    if Path(absolute).is_relative_to(root):
        relative = os.path.relpath(absolute, root).replace(os.sep, "/")
        return {"uri": quote(_clean(relative)), "uriBaseId": _ROOT}
    return {"uri": quote(_clean(Path(absolute).as_uri()), safe="/:%")}


def _repository_of(folder: Path) -> Path:
    """Return the root of the repository that ``folder`` is in; ``folder`` itself where it is in none."""
    folder = Path(os.path.abspath(folder))  # noqa: PTH100
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def _clean(text: str) -> str:
    return plain(mask_text(text))
