"""Redaction fields: which parameters and properties hold a secret, or say who was asked by whom, and at which host."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pytest_adyen_creds.contract.contract import Contract
from pytest_adyen_creds.contract.operations import PARAMETER, Operation
from pytest_adyen_creds.contract.trees import schemas_in
from pytest_adyen_creds.endpoints import is_this_machine
from pytest_adyen_creds.intercept.hosts import is_host_of_adyen

Kind = Literal["secret", "company", "merchant", "account", "id", "username", "reference"]
"""What stands in a place: a key, password or token; an account's name; the id of a credential, an origin or another
resource; a user name; what the server calls one request."""

Host = Literal["management", "adyen", "other"]
"""Whose a host is: the Management API's, another of Adyen's, or someone else's."""

_IDENTITY: Final = "x-identity"
"""The annotation by which a contract says that a property or a parameter says who: one of :data:`_ANNOTATED`."""
_DATA: Final = "x-adyen-data"
_ANNOTATED: Final[Mapping[str, Kind]] = {
    "company": "company",
    "merchant": "merchant",
    "credential": "id",
    "origin-id": "id",
    "id": "id",
    "username": "username",
    "request": "reference",
}

_ANYWHERE: Final[Mapping[str, Kind]] = {
    "companyname": "company",
    "companyid": "company",
    "associatedmerchantaccounts": "merchant",
    "merchantaccount": "merchant",
    "merchantid": "merchant",
    "requestid": "reference",
    "pspreference": "reference",
}
_AT_ADYEN: Final[Mapping[str, Kind]] = {
    "companyaccount": "company",
    "merchantaccountcode": "merchant",
    "username": "username",
    "apicredentialid": "id",
    "originid": "id",
    "webhookid": "id",
}
IN_ADDRESS: Final[Mapping[str, Kind]] = {"company": "company", "merchant": "merchant", "account": "account"}
"""Parameters of addresses of Adyen's, such as the Customer Area's; in bodies these are ordinary words."""

_ORDINARY_IDS: Final = frozenset({"null", "none", "true", "false", "string", "undefined", "test"})
_ID: Final = re.compile(r"[\w.~:+=-]{4,200}", re.ASCII)
_BASE: Final = r"(?:/[A-Za-z]+)?(?:/v\d+)?"
_RESOURCE: Final = re.compile(
    r"(?<=/companies/)(?P<company>[^/]+)|(?<=/merchants/)(?P<merchant>[^/]+)"
    r"|(?<=[a-z]s/)(?P<id>(?=[^/]*\d|[A-Z]{8})[\w.~:+=-]{4,200})(?=/|$)",
    re.ASCII,
)
"""In a path of the Management API: an account's name, or what follows the plural of a resource and is no word."""


@dataclass(frozen=True)
class Names:
    """The names of properties that hold something, for one kind of exchange."""

    kinds: Mapping[str, Kind]
    """By name in small letters; ``card.number`` for a name that counts only within that parent."""
    in_text: re.Pattern[str]
    """Finds secrets by their property's name in text that is no JSON; groups ``head…`` and ``value…``."""

    def kind_of(self, name: str, parent: str = "") -> Kind | None:
        """Return what the property ``name`` of the property ``parent`` holds, or ``None``."""
        name = name.lower()
        found = self.kinds.get(name) or self.kinds.get(f"{parent.lower()}.{name}")
        while found is None and "." in name:
            name = name.partition(".")[2]
            found = self.kinds.get(name)
        return found


class Fields:
    """The redaction fields of a contract; the secret properties of ``others`` are secrets, too."""

    def __init__(self, contract: Contract, others: Iterable[Contract] = ()) -> None:
        self._contract = contract
        self._secrets = frozenset(name.lower() for each in (contract, *others) for name in each.secret_properties)
        self._names: dict[tuple[Host, str | None], Names] = {}

    @cached_property
    def _routes(self) -> list[tuple[re.Pattern[str], list[Kind | None], dict[str, Operation]]]:
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in self._contract.operations.values():
            by_path.setdefault(operation.path, {})[operation.method] = operation
        return [(_template(path), _path_kinds(path, methods), methods) for path, methods in by_path.items()]

    def names(self, host: Host, operation: Operation | None = None) -> Names:
        """Return the names for exchanges with ``host``, whose operation is ``operation`` where the contract has it."""
        key = (host, operation.label if operation else None)
        if key not in self._names:
            kinds: dict[str, Kind] = {**_ANYWHERE}
            if host != "other":
                kinds |= {**_AT_ADYEN, **secret_properties()}
            if host == "management":
                kinds["id"] = "id"  # in other APIs of Adyen the user's own word, such as that of a line item
                for each in [operation] if operation else self._contract.operations.values():
                    kinds |= self._of(each)
            kinds |= dict.fromkeys(self._secrets, "secret")
            self._names[key] = Names(kinds, _in_text(name for name, kind in kinds.items() if kind == "secret"))
        return self._names[key]

    def _of(self, operation: Operation) -> dict[str, Kind]:
        structures = {operation.request, *operation.responses.values()} - {None}
        schemas = [self._contract.to_json_schema(str(name)) for name in sorted(map(str, structures))]
        return {name.lower(): kind for name, each in properties_in(schemas) if (kind := _annotation(each)) is not None}

    @staticmethod
    def headers(operation: Operation, status: int) -> dict[str, Kind | None]:
        """Return the response headers that ``operation`` documents for ``status``, in small letters.

        Each with what its schema says that it holds; names say more (:meth:`Names.kind_of`).
        """
        return {each.name.lower(): _annotation(each.schema) for each in operation.headers.get(status, ())}

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the operation that a request is of, or ``None``; ``path`` is percent-encoded."""
        for template, _, methods in self._routes:
            if method.upper() in methods and template.fullmatch(path):
                return methods[method.upper()]
        return None

    def parts(self, path: str) -> list[tuple[int, int, Kind]]:
        """Return where in ``path``, percent-encoded, an id or an account's name stands, in order.

        ``path`` is matched against the paths of all operations; one that is none of them is taken for one of the
        Management API that the contract does not have.
        """
        for template, kinds, _ in self._routes:
            if match := template.fullmatch(path):
                spans = [(*match.span(number), kind) for number, kind in enumerate(kinds, 1)]
                return [(start, end, kind) for start, end, kind in spans if kind is not None]
        return [(*match.span(), _ANNOTATED[str(match.lastgroup)]) for match in _RESOURCE.finditer(path)]


@lru_cache(maxsize=8)
def fields_of(contract: Contract, others: tuple[Contract, ...] = ()) -> Fields:
    """Return the redaction fields of ``contract``, which are read from its schemas once."""
    return Fields(contract, others)


def host_of(uri: str, stand_ins: frozenset[str]) -> Host:
    """Return whose host the absolute ``uri`` has; ``stand_ins`` are origins on loopback that stood for Adyen's."""
    origin = origin_of_uri(uri)
    if origin in stand_ins:
        return "management"
    host = urlsplit(origin).hostname or ""
    if is_host_of_adyen(host):
        return "management" if host.startswith("management-") else "adyen"
    return "other"


def origin_of_uri(uri: str) -> str:
    """Return scheme, host and port of ``uri``, without a default port; empty where it has none."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return ""
    if not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, default) else "")


def loopback_origin(uri: str) -> str | None:
    """Return the origin of ``uri`` where its host is this machine, else ``None``."""
    origin = origin_of_uri(uri)
    host = urlsplit(origin).hostname or ""
    return origin if is_this_machine(host) else None


def path_of_uri(uri: str) -> str:
    """Return the path of ``uri``, percent-encoded; empty where it cannot be read."""
    try:
        return urlsplit(uri).path
    except ValueError:
        return ""


def is_id(value: str) -> bool:
    """Tell whether ``value`` may be an id: four characters or more of those that ids have, and no ordinary word."""
    return _ID.fullmatch(value) is not None and value.lower() not in _ORDINARY_IDS


def digits_of(value: float) -> str:
    """Return the digits of a number that may be an id or a name, without its sign: four or more; else ``""``."""
    if isinstance(value, float) and not value.is_integer():
        return ""
    digits = str(abs(int(value)))
    return digits if is_id(digits) else ""


@lru_cache(maxsize=1)
def secret_properties() -> dict[str, Kind]:
    """Return the properties that are secret anywhere in Adyen's APIs, in small letters: ``secret_properties.toml``."""
    groups = tomllib.loads(Path(__file__).with_name("secret_properties.toml").read_text(encoding="utf-8"))
    return {name.lower(): "secret" for names in groups.values() for name in names}


def _template(path: str) -> re.Pattern[str]:
    return re.compile(_BASE + "([^/]+)".join(map(re.escape, PARAMETER.sub("\0", path).split("\0"))))


def _path_kinds(path: str, methods: Mapping[str, Operation]) -> list[Kind | None]:
    parameters = (each for operation in methods.values() for each in operation.parameters)
    annotated = {each.name: _annotation(each.schema) for each in parameters}
    by_name = {**_ANYWHERE, **_AT_ADYEN}
    return [annotated.get(name) or by_name.get(name.lower()) for name in PARAMETER.findall(path)]


def _annotation(schema: Any) -> Kind | None:
    if not isinstance(schema, Mapping):
        return None
    if schema.get("x-secret"):
        return "secret"
    for keyword in (_IDENTITY, _DATA):
        said = schema.get(keyword)
        if isinstance(said, str) and said in _ANNOTATED:
            return _ANNOTATED[said]
    return _annotation(schema.get("items"))


def properties_in(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield the properties that JSON Schema ``node`` describes, at any depth: each name and its schema."""
    for schema in schemas_in(node):
        if isinstance(schema.get("properties"), dict):
            yield from schema["properties"].items()


def _in_text(secrets: Iterable[str]) -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, secrets))) or "(?!)"
    quoted = rf'(?P<head>"(?:{names})"\s*:\s*")(?P<value>(?:[^"\\]|\\.)*)'
    # each run of backslashes is tried once, from its start
    escaped = rf'(?P<head2>(?<!\\)\\+"(?:{names})\\+"\s*:\s*\\+")(?P<value2>(?:[^"\\]|\\+(?!["\\]))*)'
    form = rf"(?P<head3>(?<![\w])(?:{names})=)(?P<value3>[^&\s;\"'<]+)"
    element = rf"(?P<head4><(?:\w{{1,20}}:)?(?:{names})>)(?P<value4>[^<]+)"
    return re.compile("|".join((quoted, escaped, form, element)), re.IGNORECASE)
