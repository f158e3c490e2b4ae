"""Lint: what is wrong with a cassette: secrets (by their form, by their field, known ones), unsafe content, age.

And orphans: recordings of tests that are gone, told from the test files that they lie beside; no test is run. A
cassette is named after its test: ``cassettes/MODULE/[CLASS.]FUNCTION[PARAMETERS].yaml`` beside ``MODULE.py``. It is an
orphan where that file is gone, or has no such class or function. What cannot be read off a file is called no orphan:
parameters, names that are imported or made while the module runs, and tests that a conftest.py makes.
"""

from __future__ import annotations

import ast
import glob
import re
import warnings
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, Literal

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.body import Body
from pytest_adyen_creds.cassettes.model import Cassette, Interaction
from pytest_adyen_creds.cassettes.paths import shown
from pytest_adyen_creds.cassettes.redact.fields import Fields, Kind, digits_of
from pytest_adyen_creds.cassettes.redact.finder import find_keys, find_keys_in_base64, may_be, names_in
from pytest_adyen_creds.cassettes.redact.pseudonyms import holds_pseudonym, is_pseudonym
from pytest_adyen_creds.cassettes.redact.scrubber import SANDBOX_ACCOUNTS, stand_ins_in
from pytest_adyen_creds.cassettes.redact.visitor import (
    SESSION_HEADERS,
    TRACE_HEADERS,
    Visitor,
    visit,
    visit_context,
)
from pytest_adyen_creds.errors import AdyenCredsError, CassetteError, FileRefused
from pytest_adyen_creds.files import read_text
from pytest_adyen_creds.message import basic_credentials
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.secrets.registry import apart
from pytest_adyen_creds.secrets.unescaping import unescaped_views

_SCRUB: Final = "scrub it with 'adyen-creds cassettes scrub', and have the secret replaced: it may have been shared"
_HIDE: Final = "replace it with 'adyen-creds cassettes scrub --write'"
_BASIC: Final = re.compile(r"\bBasic\s+([A-Za-z0-9+/_-]{6,}={0,2})", re.IGNORECASE)
_FIELDS: Final[Mapping[Kind, str]] = {
    "secret": "a value in the place of a secret",
    "company": "the name of a company account",
    "merchant": "the name of a merchant account",
    "account": "the name of an account",
    "id": "an id",
    "username": "a user name",
    "reference": "the id of a request",
}
# what other tools, or people, put where a secret stood
_PLACEHOLDER: Final = re.compile(
    r"\W*(?:redacted|masked|filtered|scrubbed|removed|hidden|dummy|fake|placeholder|secret|none|null|your[_-].*|x{3,})?\W*",
    re.IGNORECASE,
)

_LARGEST: Final = 2 * 1024 * 1024
"""The largest test file that is looked at, in bytes."""

_HEAD: Final = 4096
_PROVENANCE: Final = re.compile(rb"^provenance:", re.MULTILINE)
_SUITE: Final = re.compile(r"v\d+")
"""A folder of the contract suite's own cassettes, which belong to no test function."""
_COLLECTING: Final = frozenset({"pytest_collect_file", "pytest_pycollect_makeitem", "pytest_pycollect_makemodule"})
"""Hooks by which a conftest.py makes tests that no file shows."""
_MAKING: Final = frozenset({"*", "exec", "globals", "locals", "scenarios", "setattr", "vars"})
"""By what a module gets names that it does not spell out; ``scenarios`` is pytest-bdd's."""
_PLAIN_BASES: Final = frozenset({"object", "TestCase", "IsolatedAsyncioTestCase", "Protocol", "NamedTuple", "Enum"})


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong with the cassette at ``path``; ``message`` holds no secret and says what to do next."""

    path: Path
    kind: Literal["secret", "stale", "orphan", "unsafe"]
    where: str
    """``line 12``, ``interaction 3``, or empty for the whole file."""
    message: str

    def to_json(self) -> dict[str, str]:
        """Return the record as JSON: ``path``, ``kind``, ``where``, ``message``; known secrets are masked."""
        return {name: SECRETS.mask(str(value)) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        where = f", {self.where}" if self.where else ""
        return f"{self.path}{where}: {self.kind}: {self.message}"


def lint(
    path: Path,
    fields_of: Callable[[Cassette], Fields],
    *,
    now: datetime,
    max_age: float | None,
    digests: Mapping[str, str],
) -> Iterator[Issue]:
    """Yield what is wrong with the cassette at ``path``: unsafe or broken, holding secrets, or stale.

    ``fields_of`` returns what the contract of a cassette says of fields. Secrets that this session knows are looked for
    in every form; ``now``, ``max_age`` and ``digests`` are those of :func:`find_staleness`.
    """
    try:
        text = read_text(path, largest=serializer.LARGEST, empty=serializer.AGAIN)
        yield from (Issue(path, "secret", where, message) for where, message in _secrets_in(text))
        cassette = serializer.loads(text, str(path))
    except AdyenCredsError as error:
        yield Issue(path, "unsafe", "", str(error).removeprefix(f"{path}: "))
        return
    unscrubbed = _unscrubbed_in(cassette, fields_of(cassette))
    yield from (Issue(path, "secret", where, message) for where, message in unscrubbed)
    yield from find_staleness(cassette, path, now=now, max_age=max_age, digests=digests)


def find_staleness(
    cassette: Cassette, path: Path, *, now: datetime, max_age: float | None, digests: Mapping[str, str]
) -> Iterator[Issue]:
    """Yield why ``cassette`` is stale: older than ``max_age`` days (``None``: any age will do), or another contract.

    ``now`` is aware; ``digests`` holds the contracts' current digests by version. A cassette of another tool says
    neither when nor with what it was made, so it is never stale.
    """
    provenance = cassette.provenance
    if provenance is None:
        return

    def stale(why: str) -> Issue:
        return Issue(path, "stale", "", f"{why}; {serializer.AGAIN}")

    try:
        recorded_at = datetime.fromisoformat(provenance.recorded_at)
    except ValueError:
        yield stale(f"its date of recording is no date ({provenance.recorded_at!r})")
        return
    age = (now - recorded_at.replace(tzinfo=recorded_at.tzinfo or UTC)).total_seconds() / 86_400
    if max_age is not None and age > max_age:
        yield stale(f"it was recorded {age:.0f} days ago, {max_age:g} are allowed")
    current = digests.get(provenance.contract)
    if current is not None and current != provenance.contract_digest:
        yield stale(f"it was recorded with another version of contract {provenance.contract}")


def _secrets_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield where (``line 12``) ``text`` holds what looks like a key of Adyen's, or a known secret, and a message.

    Looked at as it stands, with wrapped lines joined, escapes and URL-encoding resolved, and base64 opened.
    """
    seen = set()
    ends = [match.start() for match in re.finditer("\n", text)]
    for view in unescaped_views(text):
        for match, what in _forms_in(view.text):
            line = bisect_left(ends, view.origin(*match.span())[0]) + 1
            if line not in seen:
                seen.add(line)
                yield f"line {line}", f"{what} that is no pseudonym; {_SCRUB}"
    # a run that replays knows what stands in a secret's place as its secrets
    if known := apart(span for span in SECRETS.find(text) if not is_pseudonym(span[2])):
        where = f"line {bisect_left(ends, known[0][0]) + 1}"
        yield where, f"a secret that this session knows ({len(known)} in the file); {_SCRUB}"


def _unscrubbed_in(cassette: Cassette, fields: Fields) -> Iterator[tuple[str, str]]:
    """Yield where (``interaction 3``) a secret, a name or an id is no pseudonym, and a message.

    What :class:`.scrubber.Scrubber` replaces is found: values in the fields that ``fields`` has, whatever they look
    like, names and ids by what they look like in any text, and headers with a session or a trace. The sandbox's own
    account names pass, and what other tools put in such places.
    """
    stand_ins = stand_ins_in(cassette.interactions, fields, foreign=cassette.provenance is None)
    noter = _Noter()
    visit_context(cassette.context, fields, stand_ins, noter)
    visit_context(cassette.metadata, fields, stand_ins, noter)
    yield from (("", message) for message in noter.messages())
    for number, interaction in enumerate(cassette.interactions, 1):
        noter, where = _Noter(), f"interaction {number}"
        try:
            visit(interaction, fields, stand_ins, noter)
        except CassetteError as error:
            yield where, str(error)
        else:
            yield from ((where, message) for message in noter.messages())
            yield from ((where, message) for message in _packed_secrets_in(interaction))


def _packed_secrets_in(interaction: Interaction) -> Iterator[str]:
    """Yield what a look at the file does not show: the secrets in bodies that are compressed."""
    for side, data, headers in (
        ("request", interaction.request_body, interaction.request_headers),
        ("response", interaction.response_body, interaction.response_headers),
    ):
        body = Body.open(data, headers)
        if body.data != data:
            for message in dict.fromkeys(message for _, message in _secrets_in(body.text)):
                yield f"the {side}'s body holds, compressed, {message}"


class _Noter(Visitor):
    """Notes what is neither a pseudonym nor a placeholder: where it is, and what; never the value."""

    def __init__(self) -> None:
        self._where = ""
        self._found: Counter[tuple[str, str, str]] = Counter()

    def messages(self) -> Iterator[str]:
        for (where, what, remedy), count in self._found.items():
            times = f" ({count} times)" if count > 1 else ""
            yield f"{where} holds {what} that is no pseudonym{times}; {remedy}"

    def _note(self, what: str, remedy: str = _HIDE) -> None:
        self._found[self._where, what, remedy] += 1

    def at(self, where: str) -> None:
        self._where = where

    def field(self, value: str, kind: Kind) -> str:
        if not may_be(value, kind):
            if kind == "username":  # of Adyen's own form
                self.text(value)
        elif kind == "secret":
            if not is_pseudonym(value) and not _PLACEHOLDER.fullmatch(value):
                self._note(_FIELDS[kind], _SCRUB)
        elif not _may_stay(value) and (kind in ("username", "reference") or value not in SANDBOX_ACCOUNTS):
            self._note(_FIELDS[kind])
        return value

    def number(self, value: float, kind: Kind | None) -> float:
        if kind == "secret" and value:
            self._note("a number in the place of a secret", _SCRUB)
        elif kind not in (None, "secret") and not _may_stay(digits_of(value)):
            self._note("a number in the place of an id or a name")
        return value

    def text(self, value: str) -> str:
        for kind, name in names_in(value):
            if kind == "username":
                if name != "ws@" and not _may_stay(name):
                    self._note(_FIELDS[kind])
            else:
                self.field(name, kind)
        return value

    def dropped(self, name: str, value: str) -> None:
        if _may_stay(value):
            return
        if name in SESSION_HEADERS:
            self._note("a session", _SCRUB)
        elif name in TRACE_HEADERS:
            self._note("the trace of a request")
        else:
            self._note(_FIELDS["secret"], _SCRUB)


def _may_stay(value: str) -> bool:
    return holds_pseudonym(value) or _PLACEHOLDER.fullmatch(value) is not None


def _forms_in(text: str) -> Iterator[tuple[re.Match[str], str]]:
    yield from ((match, what) for match, what, _ in find_keys(text))
    for match in _BASIC.finditer(text):
        pair = basic_credentials(f"Basic {match[1]}")
        if pair is not None and not is_pseudonym(pair[1]) and not _PLACEHOLDER.fullmatch(pair[1]):
            yield match, "a password in basic auth"
    yield from ((match, what) for match, what, _ in find_keys_in_base64(text))


def find_orphans(paths: Iterable[Path]) -> tuple[list[Issue], list[str]]:
    """Return which of the cassettes at ``paths`` are orphans, and a line for each test file that cannot be read.

    Only what this package recorded is named after its test, so nothing is said of others.
    """
    issues: list[Issue] = []
    unread: dict[str, None] = {}
    read = cache(_read)
    for path in paths:
        folder = path.absolute().parent
        owner, _, function = path.stem.removesuffix(".adyen").partition("[")[0].rpartition(".")
        # other names are no function's: the contract suite's, one that was cut short, a doctest's
        is_named = function.isidentifier() and owner != folder.name and (not owner or owner.isidentifier())
        if folder.parent.name != "cassettes" or not is_named or _SUITE.fullmatch(folder.name) or not _is_ours(path):
            continue
        try:
            reason = _why_gone(folder.parent.parent / f"{folder.name}.py", owner, function, read)
        except FileRefused as error:
            unread[f"{error}; until then nothing tells whether its cassettes are orphans"] = None
            continue
        if reason:
            issues.append(Issue(path, "orphan", "", f"{reason}; remove it, or rename it as its test was"))
    return issues, list(unread)


@dataclass
class _Scope:
    """What a module says at its own level, or a class at its; of a module, its classes too, also those in classes."""

    names: set[str] = field(default_factory=set)
    """Of functions, of what is imported, and of all that is mentioned: any of them may be a test."""
    stems: set[str] = field(default_factory=set)
    """Of functions and classes that a decorator may have copied under longer names, as ``parameterized`` does."""
    bases: set[str] = field(default_factory=set)
    classes: dict[str, _Scope] = field(default_factory=dict)
    is_open: bool = False
    """Whether it may have any name."""

    def may_have(self, name: str) -> bool:
        return self.is_open or name in self.names or any(name.startswith(f"{stem}_") for stem in self.stems)


def _why_gone(module: Path, owner: str, function: str, read: Callable[[Path], _Scope]) -> str:
    """Return why ``module``, or its class ``owner``, cannot have the test ``function``; empty where it may.

    ``read`` is :func:`_read`, which raises :class:`FileRefused` where the file, or a conftest.py, cannot be read.
    """
    conftests = (folder / "conftest.py" for folder in module.parents)
    if any(_COLLECTING & read(path).names for path in conftests if path.is_file()):
        return ""
    if not module.is_file():
        has_other = any(module.parent.glob(f"{glob.escape(module.stem)}.*"))  # such as a .feature file
        return "" if has_other else f"its test file {shown(module)} does not exist"
    there = read(module)
    if there.may_have(owner or function) or (owner in there.classes and _may_inherit(there, owner, function)):
        return ""
    return f"{shown(module)} has no test {owner and f'{owner}.'}{function}"


def _may_inherit(module: _Scope, owner: str, function: str) -> bool:
    """Tell whether the class ``owner`` of ``module``, or one that it inherits from, may have ``function``."""
    lineage = [owner]
    for name in lineage:
        if name not in module.classes or module.classes[name].may_have(function):
            return True
        lineage += module.classes[name].bases - _PLAIN_BASES - set(lineage)
    return False


def _read(path: Path) -> _Scope:
    """Return what the Python file at ``path`` has; raises :class:`FileRefused` for one that cannot be read."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST // 1024 // 1024} MiB")
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(path.read_bytes())
        return _scope_of(tree)
    except SyntaxError as error:
        raise FileRefused(f"{shown(path)}: is not Python (line {error.lineno}: {error.msg}); mend it") from None
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        why = str(error) if type(error) is ValueError else type(error).__name__
        raise FileRefused(f"{shown(path)}: cannot be read ({why}); mend it") from None


def _scope_of(tree: ast.Module) -> _Scope:
    module = _Scope()
    for owner in ast.walk(tree):
        scope = module
        if isinstance(owner, ast.ClassDef):
            scope = module.classes.setdefault(owner.name, _Scope())
            scope.bases.update(map(_name_of, owner.bases))
            scope.is_open |= bool(owner.keywords or _copied(owner))  # a metaclass or a decorator may add to it
            module.stems |= _copied(owner)
        elif not isinstance(owner, ast.Module):
            continue
        for node in _inside(owner):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    scope.names.add(node.name)
                    scope.stems |= _copied(node)
                case ast.Import() | ast.ImportFrom():
                    scope.names |= {alias.asname or alias.name for alias in node.names}
                case ast.Name(id=name) | ast.Attribute(attr="scenarios" as name):
                    scope.names.add(name)
            module.is_open |= not _MAKING.isdisjoint(scope.names)
    return module


def _inside(owner: ast.AST) -> Iterator[ast.AST]:
    """Yield all that stands in ``owner``, and nothing that stands in its classes."""
    pending = list(ast.iter_child_nodes(owner))
    for node in pending:
        yield node
        if not isinstance(node, ast.ClassDef):
            pending += ast.iter_child_nodes(node)


def _copied(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> set[str]:
    is_plain = all(ast.unparse(each).partition(".")[0] == "pytest" for each in node.decorator_list)
    return set() if is_plain else {node.name}


def _name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_ours(path: Path) -> bool:
    try:
        if not path.is_file():  # a pipe, say, from which nothing may ever come
            return False
        with path.open("rb") as file:
            return _PROVENANCE.search(file.read(_HEAD)) is not None
    except OSError:
        return False
