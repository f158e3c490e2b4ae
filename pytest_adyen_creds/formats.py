"""JSON, YAML and TOML: parsed within limits, whatever the parsers' own are, or refused in one line."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import yaml

from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.files import FILL, LARGEST, name_of, read_text
from pytest_adyen_creds.text import plain

LARGEST_TOML: Final = 4 * 1024 * 1024
"""The largest TOML file that is read, in bytes: its parser takes up to a hundred times as much."""

DEEPEST: Final = 200
"""The deepest nesting that is accepted in a JSON or YAML file, in levels."""

DEEPEST_TOML: Final = 50
"""The deepest nesting that is accepted in a TOML file, in levels: its parser recurses."""

LONGEST_NUMBER: Final = 500
"""The longest number that is accepted, in characters: Python may refuse to print one of 640 digits."""

_LONGEST_KEY: Final = 20
"""The most names that dots may join in a key of TOML: its parser takes the square of that."""

SafeLoader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""YAML's safe loader: the C one where it is built."""

_COLLECTIONS: Final = frozenset({None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_NUMBERS: Final = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})
_TOO_LONG: Final = f"a number of more than {LONGEST_NUMBER} digits"
# each of these is linear in what it reads, whatever that is
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A string of JSON, up to its end or that of the text."""
_TOML_TEXT: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}|"(?:[^"\\\n]|\\.)*+"'
    r"|'''(?:[^']|'(?!''))*+'{3,5}|'[^'\n]*+'|#[^\n]*+",
    re.DOTALL,
)
"""A string or a comment of TOML."""
_LONG_KEY: Final = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{_LONGEST_KEY}}}")
_LONG_TOML_NUMBER: Final = re.compile(rf"(?<!\w)[0-9][0-9a-fA-FxobXOB_]{{{LONGEST_NUMBER}}}")


def read_json(path: Path | str, *, largest: int = LARGEST) -> Any:
    """Return the JSON value in the file at ``path``; raises :class:`FileRefused` like :func:`read_text`."""
    return parse_json(read_text(path, largest=largest), plain(str(path)))


def parse_json(text: str, name: str) -> Any:
    """Return the JSON value that ``text`` holds; ``name`` is what an error calls it."""
    # a look before the parser, which recurses as deep as its interpreter lets it
    if text.count("[") + text.count("{") > DEEPEST and _deepest(_STRING.sub("", text)) > DEEPEST:
        raise FileRefused(_too_deep(name))
    try:
        parse_int = _checked_int if _may_hold_long_number(text) else None
        return json.loads(text, parse_int=parse_int, parse_constant=_refuse_constant)
    except ValueError as error:
        raise FileRefused(f"{name}: is not JSON ({error}); check its content") from None


def _may_hold_long_number(text: str) -> bool:
    """Return whether a number over the limit can be there: it would fill one of the blocks of half of it."""
    block = LONGEST_NUMBER // 2
    return any(text[at : at + block].isdigit() for at in range(0, len(text), block))


def read_document(path: Path | str) -> Any:
    """Return the JSON or YAML value in the file at ``path``; YAML is read by the safe loader, without aliases."""
    return parse_document(read_text(path), plain(str(path)))


def parse_document(text: str, name: str) -> Any:
    """Return the JSON or YAML value that ``text`` holds; ``name`` is what an error calls it."""
    if text.lstrip()[:1] in ("{", "["):
        return parse_json(text, name)
    try:
        return _load_yaml(text)
    except RecursionError:
        raise FileRefused(_too_deep(name)) from None
    except (yaml.YAMLError, ValueError) as error:
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise FileRefused(f"{name}: is neither JSON nor plain YAML ({problem}{where}); check its content") from None


def read_toml(path: Path | str, *, empty: str | None = FILL) -> dict[str, Any]:
    """Return the TOML document in the file at ``path``; ``empty`` is that of :func:`read_text`.

    Raises :class:`FileRefused` like :func:`read_text`, and for what is no TOML, or over a limit of this module.
    """
    text = read_text(path, largest=LARGEST_TOML, empty=empty)
    structure = _TOML_TEXT.sub(lambda match: "" if match[0][0] == "#" else "s", text)
    try:
        if _deepest(structure) > DEEPEST_TOML:
            raise ValueError(f"nested deeper than {DEEPEST_TOML} levels")
        if _LONG_KEY.search(structure):
            raise ValueError(f"more than {_LONGEST_KEY} names joined to one key")
        if _LONG_TOML_NUMBER.search(structure):
            raise ValueError(_TOO_LONG)
        return tomllib.loads(text)
    except ValueError as error:
        raise FileRefused(f"{name_of(path)}: is not TOML ({plain(str(error))}); correct it") from None


def _load_yaml(text: str) -> Any:
    """Return the value of the one document in ``text``; raises ValueError, YAMLError or RecursionError.

    Built from the parser's events: the loader's recursion has no bound of its own, and an alias lets a small file
    unfold to gigabytes.
    """
    values = SafeLoader("")
    around: list[list[Any]] = []
    items: list[Any] = []
    seen = 0
    try:
        for event in yaml.parse(text, Loader=SafeLoader):
            seen = event.end_mark.index if event.end_mark else seen
            if isinstance(event, yaml.ScalarEvent):
                is_text = event.tag is None and not event.implicit[0]
                items.append(event.value if is_text else _scalar(event, values))
            elif isinstance(event, yaml.CollectionStartEvent):
                if event.tag not in _COLLECTIONS:
                    raise ValueError(f"{plain(str(event.tag))} is no list and no mapping")
                around.append(items)
                items = []
                if len(around) > DEEPEST:
                    raise RecursionError
            elif isinstance(event, yaml.CollectionEndEvent):
                done: Any = items
                if isinstance(event, yaml.MappingEndEvent):
                    done = dict(zip(items[::2], items[1::2], strict=True))
                items = around.pop()
                items.append(done)
            elif isinstance(event, yaml.AliasEvent):
                raise ValueError("aliases are not read")
    except yaml.MarkedYAMLError as error:
        # the scanner reads ahead of the events, and may meet a limit of its own there
        ahead = text[seen : error.problem_mark.index + 1] if error.problem_mark else ""
        if len(around) + _deepest(ahead) > DEEPEST:
            raise RecursionError from None
        raise
    except TypeError:
        raise ValueError("a list or a mapping is no name of a member") from None
    if len(items) > 1:
        raise ValueError("more than one document")
    return items[0] if items else None


def _scalar(event: yaml.ScalarEvent, values: yaml.SafeLoader) -> Any:
    tag = event.tag
    if tag in (None, "!"):
        tag = values.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
    if tag == "tag:yaml.org,2002:merge":  # which only aliases have a use for
        return event.value
    if tag in _NUMBERS and len(event.value) > LONGEST_NUMBER:
        raise ValueError(_TOO_LONG)
    construct = values.yaml_constructors.get(tag) or values.yaml_constructors[None]
    try:
        return construct(values, yaml.ScalarNode(tag, event.value, event.start_mark))  # type: ignore[arg-type]
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:  # of what is not what its tag says
        raise ValueError(f"a value is no {plain(str(tag)).rpartition(':')[2]}") from error


def _deepest(text: str) -> int:
    depths = itertools.accumulate(1 if bracket in "[{" else -1 for bracket in re.findall(r"[][{}]", text))
    return max(depths, default=0)


def _too_deep(name: str) -> str:
    return f"{name}: is nested deeper than {DEEPEST} levels; flatten it"


def _checked_int(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(_TOO_LONG)
    return int(digits)


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not a JSON number")


def is_deeper(value: Any, levels: int) -> bool:
    """Tell whether lists and mappings in ``value`` are nested deeper than ``levels``."""
    level, depth = [value], 0
    while level := [
        child
        for parent in level
        if isinstance(parent, dict | list)
        for child in (parent.values() if isinstance(parent, dict) else parent)
    ]:
        depth += 1
        if depth > levels:
            return True
    return False
