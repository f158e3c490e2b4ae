"""Linting a contract: the official JSON Structure validator on every document, and the compiler on all of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

from pytest_adyen_creds.contract.contract import load_contract
from pytest_adyen_creds.contract.documents import SUFFIX
from pytest_adyen_creds.contract.operations import read_openapi
from pytest_adyen_creds.errors import ContractError
from pytest_adyen_creds.files import read_json


def lint(folder: Path, version: str) -> Iterator[str]:
    """Yield one line for each error and each warning in the contract ``version`` below ``folder``.

    What another version extends is read for each of them, and said in the same words. The validator sees each document
    with its imports and its extended keywords switched on. Raises :class:`FileRefused` and :class:`ContractError` for a
    contract that cannot be read at all.
    """
    from json_structure import SchemaValidator

    folder = folder.resolve()
    _, paths = read_openapi(folder / version / "openapi.yaml")
    files = [file for path in paths for file in sorted((path.parent / "structures").glob(f"*{SUFFIX}"))]
    sources = {file: read_json(file) for file in files}
    for file, source in sources.items():
        others = [copy.deepcopy(other) for path, other in sources.items() if path != file]
        try:
            validator = SchemaValidator(allow_import=True, extended=True, external_schemas=others)
            problems = [*validator.validate(copy.deepcopy(source)), *validator.warnings]
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            problems = [f"the official validator cannot read it ({type(error).__name__}: {error})"]
        for problem in problems:
            yield f"{file}: {problem}"
    try:
        contract = load_contract(version, folder)
        contract.to_openapi()
    except ContractError as error:
        yield str(error)
        return
    if not contract.operations:
        yield f"{paths[0]}#/paths: there is no operation; describe what the API takes and answers"
    for name, document in contract.structures.items():
        for problem in SchemaValidator(extended=True).validate(copy.deepcopy(document)):
            yield f"{name}, on its own: {problem}"
