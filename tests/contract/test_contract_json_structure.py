"""JSON Structure's official test assets, where they are beside the checkout: what they say, the compiler does."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import json_structure
import pytest
from json_structure import InstanceValidator, SchemaValidator

from pytest_adyen_creds.contract import Contract, load_contract
from pytest_adyen_creds.errors import ContractError

ASSETS = Path(__file__).resolve().parents[3] / "shared" / "json-structure"
if not ASSETS.is_dir():
    pytest.skip("JSON Structure's test assets are not beside this checkout", allow_module_level=True)


def read(file: str) -> Any:
    return json.loads((ASSETS / file).read_text())


def files(folder: str) -> list[str]:
    return sorted(path.relative_to(ASSETS).as_posix() for path in (ASSETS / folder).rglob("*.json"))


def is_accepted_by_the_referee(file: str) -> bool:
    return not SchemaValidator(extended=True).validate(read(file))


INVALID = files("schemas/invalid")
ADVERSARIAL = {file: is_accepted_by_the_referee(file) for file in files("schemas/adversarial")}
VALID = (
    files("schemas/warnings")
    + files("schemas/validation")
    + [file for file, is_valid in ADVERSARIAL.items() if is_valid]
)
BROKEN = [file for file, is_valid in ADVERSARIAL.items() if not is_valid]

NOT_TAKEN = {
    "schemas/adversarial/extremely-long-string.struct.json": (
        "a pattern of a million repetitions takes over 100 MB as an automaton, and is refused on purpose"
    ),
}
"""Valid schemas that are refused, and why."""

TAKEN = {
    "schemas/adversarial/anyof-none-match.struct.json": (
        "what a keyword means does not depend on $uses here: the compiler carries out every add-in that it knows"
    ),
    "schemas/adversarial/empty-arrays-objects.struct.json": (
        "an object without properties has a meaning, and the asset itself says that its instance is judged by it"
    ),
    "schemas/adversarial/format-edge-cases.struct.json": (
        "an unknown format is an annotation, and JSON Schema's own formats are known"
    ),
    "schemas/adversarial/pattern-with-flags.struct.json": (
        "the referee reads patterns as Python's; the draft has ECMA 262's, which has \\p{L} and (?<name>...)"
    ),
    "schemas/adversarial/property-name-edge-cases.struct.json": (
        "names of an API's properties are no identifiers often enough, and nothing hangs on it in JSON"
    ),
}
"""Schemas that the referee refuses and that are taken nevertheless, and why."""

JUDGED_OTHERWISE = {
    "instances/adversarial/pattern-flags.json": "the referee cannot compile two of the patterns, and then rejects all",
}
"""Instances that are judged otherwise than the referee judges them, and why."""

NO_SCHEMA = {
    "instances/adversarial/conflicting-constraints.json": "an array of its schema has no items, which core requires",
    "instances/adversarial/extends-override.json": "its schema has $ref beside type and in $defs, which core forbids",
    "instances/adversarial/quadratic-blowup.json": "its schema has $ref beside type and in $defs, which core forbids",
    "instances/adversarial/recursive-tree.json": "its schema has $ref beside type and in $defs, which core forbids",
}
"""Instances that cannot be judged, as their schema is refused, and why it is."""

UNJUDGED = {
    "instances/invalid": "the sample schemas of these are neither among the assets nor in the referee's package",
}
"""Folders of instances that nothing can be said of, and why."""


def load(file: str, folder: Path) -> Contract:
    name = read(file).get("name", "It")
    (folder / "v3" / "structures").mkdir(parents=True)
    (folder / "v3" / "structures" / "It.struct.json").write_text((ASSETS / file).read_text())
    content = {"application/json": {"schema": {"$ref": f"structures/{name}.struct.json"}}}
    responses = {"200": {"description": "d", "content": content}}
    (folder / "v3" / "openapi.yaml").write_text(json.dumps({"paths": {"/it": {"get": {"responses": responses}}}}))
    return load_contract("v3", folder)


def refusal(file: str, folder: Path) -> str:
    with pytest.raises(ContractError) as refused:
        load(file, folder)
    return str(refused.value)


@pytest.mark.parametrize("file", VALID)
def test_a_valid_schema_is_compiled_in_a_moment(file: str, tmp_path: Path) -> None:
    if file in NOT_TAKEN:
        assert "It.struct.json#/" in refusal(file, tmp_path)
        return
    before = time.process_time()
    contract = load(file, tmp_path)
    assert time.process_time() - before < 1
    assert read(file)["name"] in contract.structures


@pytest.mark.parametrize("file", [*INVALID, *BROKEN])
def test_an_invalid_schema_is_refused_with_one_line_and_the_place(file: str, tmp_path: Path) -> None:
    if file in TAKEN:
        assert read(file)["name"] in load(file, tmp_path).structures
        return
    says = refusal(file, tmp_path)
    assert "It.struct.json#" in says
    assert len(says.splitlines()) == 1


def instance_of(file: str, schema: dict[str, Any]) -> Any:
    """Return the instance in ``file`` without what it says of itself; what is no object stands under ``value``."""
    body = {key: value for key, value in read(file).items() if key != "$schema" and not key.startswith("_")}
    return body["value"] if schema.get("type") not in ("object", "map") and body.keys() == {"value"} else body


def judge(contract: Contract, name: str, body: Any) -> bool:
    verdict = contract.is_valid(name, body)
    assert (contract.validate(name, body) == []) is verdict
    return verdict


@pytest.mark.parametrize("file", files("instances/validation"))
def test_an_invalid_instance_is_rejected(file: str, tmp_path: Path) -> None:
    of = f"schemas/validation/{Path(file).parent.name}.struct.json"
    schema = read(of)
    assert not judge(load(of, tmp_path), schema["name"], instance_of(file, schema))


SCHEMAS = {read(file)["$id"]: file for file in ADVERSARIAL}


@pytest.mark.parametrize("file", files("instances/adversarial"))
def test_an_adversarial_instance_is_judged_as_by_the_referee(file: str, tmp_path: Path) -> None:
    of = SCHEMAS[read(file)["$schema"]]
    if file in NO_SCHEMA:
        assert of not in TAKEN
        assert "It.struct.json#" in refusal(of, tmp_path)
        return
    schema = read(of)
    verdict = judge(load(of, tmp_path), schema["name"], instance_of(file, schema))
    referee = not InstanceValidator(read(of), extended=True).validate(instance_of(file, schema))
    assert (verdict is not referee) is (file in JUDGED_OTHERWISE)


def test_the_schemas_of_the_samples_are_still_missing() -> None:
    package = Path(json_structure.__file__).parent
    for folder in UNJUDGED:
        for file in files(folder):
            sample = read(file)["_schema"]
            assert [*ASSETS.rglob(sample), *package.rglob(sample)] == []


def test_each_exception_is_one_of_the_assets() -> None:
    assert NOT_TAKEN.keys() <= {*VALID}
    assert TAKEN.keys() <= {*INVALID, *BROKEN}
    assert {*JUDGED_OTHERWISE, *NO_SCHEMA} <= {*files("instances/adversarial")}
    assert all(files(folder) for folder in UNJUDGED)
