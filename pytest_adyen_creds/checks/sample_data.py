"""The sample data of a sequence: the accounts, credentials and origins that its requests can name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_adyen_creds.contract import VERSIONS, load_contract
from pytest_adyen_creds.contract.operations import DATA, dereference
from pytest_adyen_creds.errors import ContractError

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, Operation

Level = Literal["company", "merchant", "me"]
"""Whose credentials an operation is about."""
AccountLevel = Literal["company", "merchant"]

COMMON_ROLE: Final = "Checkout webservice role"

_BY_NAME: Final = {
    "companyId": "company",
    "merchantId": "merchant",
    "apiCredentialId": "credential",
    "originId": "origin-id",
}
_ORIGIN: Final = r"^https://[a-z]{1,10}\.example\.(com|org)(:[1-9][0-9]{3})?$"


@dataclass(frozen=True, slots=True)
class SampleData:
    """What exists for a sequence: accounts, and at each level a credential with one origin."""

    company: str
    merchants: tuple[str, ...]
    credentials: Mapping[str, str]
    """The credential's id at ``company`` and ``merchant`` level."""
    origins: Mapping[str, str]
    """The origin's id at ``company``, ``merchant`` and ``me`` level."""
    roles: tuple[str, ...] = ()
    """The roles that can be given; none where that is not known."""
    description: str | None = None
    """What every description has to be: the run's tag; None where it is free."""

    @property
    def role(self) -> str:
        """A role that can be given and opens nothing of the Management API."""
        plain = [role for role in self.roles if not role.startswith("Management API")]
        if COMMON_ROLE in plain or not self.roles:
            return COMMON_ROLE
        return (plain or self.roles)[0]

    @property
    def calling_role(self) -> str:
        """A role that lets its holder call the operations on credentials."""
        return next((role for role in self.roles if "credentials" in role and role.startswith("Management")), self.role)

    def parameters(self, operation: Operation) -> dict[str, str]:
        """Return the path parameters of ``operation`` that name what exists, by their annotation or their name."""
        level = level_of(operation)
        values = {
            "company": self.company,
            "merchant": self.merchants[0] if self.merchants else "",
            "credential": self.credentials.get(level, ""),
            "origin-id": self.origins.get(level, ""),
        }
        return {
            parameter.name: values.get(str(parameter.schema.get(DATA, _BY_NAME.get(parameter.name))), "")
            for parameter in operation.parameters
            if parameter.location == "path"
        }

    def constraint(self, kind: Any) -> dict[str, Any]:
        """Return the JSON Schema keywords that hold a value to ``kind``; raises :class:`ContractError` for others.

        ``credential`` and ``origin-id`` are ids of what is there, ``new-origin`` one that is not on the list yet;
        ``description`` is the run's tag on a server that is not ours; ``server`` gives the value, so no request has it.
        """
        if isinstance(kind, dict):
            return _own(kind)
        # few of dozens, each of which would be tried by itself, and none of them in company
        roles = list(dict.fromkeys((self.role, self.calling_role, *self.roles)))[:3]
        constraints: dict[str, dict[str, Any]] = {
            "company": {"enum": [self.company]},
            "merchant": {"enum": list(self.merchants)} if self.merchants else {},
            "credential": {"enum": sorted(self.credentials.values())} if self.credentials else {},
            "origin-id": {"enum": sorted(self.origins.values())} if self.origins else {},
            "role": {"enum": roles} if self.roles else {},
            "origin": {"pattern": _ORIGIN},
            "new-origin": {"pattern": _ORIGIN},
            "description": {"enum": [self.description]}
            if self.description
            else {"pattern": "^[A-Za-z0-9][A-Za-z0-9 ._-]{0,48}[A-Za-z0-9]$"},
            "subject-dn": {"pattern": "^CN=[a-z]{1,20}$"},
            "page-number": {"minimum": 1, "maximum": 3},
            "page-size": {"minimum": 1, "maximum": 100},
            "server": {},
        }
        if kind not in constraints:
            raise ContractError(
                f"{DATA}: {kind!r} is no kind of data; write one of {', '.join(constraints)}, "
                'or an object with "values" or "pattern"'
            )
        return constraints[kind]


def constrained(contract: Contract, data: SampleData) -> dict[str, Any]:
    """Return the contract as an OpenAPI document whose annotated values are held to what ``data`` has.

    For generating requests that are really acceptable; answers are never judged by it.
    """
    document: dict[str, Any] = _constrain(contract.to_openapi(), data)
    return document


def requests_of(contract: Contract, operation: Operation, data: SampleData) -> dict[str, Any]:
    """Return what :func:`constrained` does, of one operation, at ``/``: its body and its query.

    What the bundled contract says of data holds for the operations of credentials in a contract that says nothing.
    """
    bundled = load_contract(VERSIONS[0])
    if operation.label in bundled.operations and not contract.says_data:
        contract, operation = bundled, bundled.operations[operation.label]
    document = contract.to_openapi()
    where = f"{contract.source}#/paths/{operation.path}"
    item = dereference(document, document["paths"][operation.path], where)
    node = item[operation.method.lower()]
    parameters = [dereference(document, each, where) for part in (item, node) for each in part.get("parameters", [])]
    request = {key: value for key, value in node.items() if key in ("requestBody", "responses")}
    request["parameters"] = list({each["name"]: each for each in parameters if each["in"] == "query"}.values())
    alone = {key: document[key] for key in ("openapi", "info", "components")}
    result: dict[str, Any] = _constrain({**alone, "paths": {"/": {operation.method.lower(): request}}}, data)
    return result


def unknown_parameters(operation: Operation) -> list[str]:
    """Return the parameters of a path that neither their names nor annotations say the values of."""
    paths = [each for each in operation.parameters if each.location == "path"]
    return [each.name for each in paths if DATA not in each.schema and each.name not in _BY_NAME]


def level_of(operation: Operation) -> Level:
    """Return whose credentials ``operation`` is about."""
    first = operation.path.split("/")[1]
    return "company" if first == "companies" else "merchant" if first == "merchants" else "me"


def collection(level: Level) -> str:
    """Return the path of an account's credentials."""
    return f"/{'companies/{companyId}' if level == 'company' else 'merchants/{merchantId}'}/apiCredentials"


def _constrain(node: Any, data: SampleData) -> Any:
    if isinstance(node, list):
        return [_constrain(item, data) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: _constrain(value, data) for key, value in node.items()}
    properties = node.get("properties")
    if isinstance(properties, dict):
        given = {
            name for name, schema in properties.items() if isinstance(schema, dict) and schema.get(DATA) == "server"
        }
        given -= set(node.get("required", []))
        result["properties"] = {name: value for name, value in result["properties"].items() if name not in given}
    items = node.get("items")
    if isinstance(items, dict) and DATA in items:
        least = 1 if items[DATA] == "role" else 0
        result |= {"uniqueItems": True, "minItems": least, "maxItems": 3}
        if items[DATA] == "merchant" and not data.merchants:  # no name of an account would be acceptable
            result["maxItems"] = 0
            result.pop("examples", None)
    if DATA in node and "type" in node:
        constraint = data.constraint(node[DATA])
        if "examples" in result and "enum" in constraint:
            del result["examples"]
        result |= constraint
    return result


def _own(kind: dict[str, Any]) -> dict[str, Any]:
    if list(kind) == ["values"] and isinstance(kind["values"], list) and kind["values"]:
        return {"enum": kind["values"]}
    if list(kind) == ["pattern"] and isinstance(kind["pattern"], str):
        return {"pattern": kind["pattern"]}
    raise ContractError(f'{DATA}: an object must have "values", a list with a member, or "pattern", and nothing else')
