"""The reference, made from the code while the site is built: the directive ``from-code``, and the parts it puts in.

Each part is a function that yields lines of Markdown, and needs no Sphinx. What is listed has an anchor, such as
``option-adyen_backend``, ``fixture-adyen_client``, ``command-drift-spec``, ``finding-endpoint-added``.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

import pytest_adyen_creds
from pytest_adyen_creds import fixtures, load_contract
from pytest_adyen_creds.checks.verdicts import FINDINGS as VERDICTS
from pytest_adyen_creds.cli import adyen_creds
from pytest_adyen_creds.contract import VERSIONS
from pytest_adyen_creds.contract.baseline import Entry
from pytest_adyen_creds.credentials.roles import KNOWN, PRESETS
from pytest_adyen_creds.credentials.spec import adyen_credential
from pytest_adyen_creds.drift.listing import entries
from pytest_adyen_creds.options import BARE, MARKERS, OPTIONS, Option
from pytest_adyen_creds.rehearsal.plugin import Mark
from pytest_adyen_creds.rehearsal.variation import KINDS, NAMES
from pytest_adyen_creds.reports.roles import FINDINGS as ROLE_FINDINGS
from pytest_adyen_creds.sandbox import behaviours
from pytest_adyen_creds.sandbox.faults import VIOLATION_TEXTS, Faults
from pytest_adyen_creds.sandbox.rules import Evidence
from pytest_adyen_creds.settings import Settings

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

INTERNAL: Final = {"adyen_suite"}
"""The fixtures that only the bundled suite uses, besides those whose name begins with ``_``."""

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|{}$])")
_CODE: Final = re.compile(r"(?<![\w`/-])(--[a-z][a-z-]*(?:=[\w-]+)?|adyen_[a-z_]+)(?![\w`])")
_ROLE: Final = re.compile(r":(?:py:)?(class|meth|func|attr|data|mod):`~?\.?([^`]+)`")


def plain(text: str) -> str:
    """Return a text that is no Markdown as Markdown: escaped, with options as code."""
    pieces = _CODE.split(" ".join(text.split()))
    return "".join(f"`{piece}`" if number % 2 else _SPECIAL.sub(r"\\\1", piece) for number, piece in enumerate(pieces))


def docstring(text: str) -> str:
    """Return a docstring's reStructuredText as Markdown: code and references, the only markup that docstrings have."""
    return re.sub(r"``(.+?)``", r"`\1`", _ROLE.sub(r"`\2`", inspect.cleandoc(text)), flags=re.DOTALL)


def anchor(name: str) -> str:
    """Return a name as it is in an anchor, which has no dots and braces."""
    return re.sub(r"[{}]", "", name).replace(".", "-")


def anchored(text: str, kind: str, name: str) -> str:
    """Return ``text`` as code with an anchor."""
    return f"[`{text}`]{{#{kind}-{anchor(name)}}}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]], *, may_wrap: bool = True) -> Iterator[str]:
    """Yield a table; ``may_wrap``: whether the names in its first column may take several lines."""
    head = list(head)
    yield "" if may_wrap else "\n{.names}"
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(' '.join(cell.split()) for cell in row)} |"
    yield ""


def listed(names: Iterable[str]) -> str:
    """Return names as code, with commas."""
    return ", ".join(f"`{name}`" for name in names)


def options() -> Iterator[str]:
    """Yield every option: flag, ini, environment, values, default and meaning."""
    rows = ((_names(each), _values(each), _default(each), plain(each.help)) for each in OPTIONS)
    yield from table(("option, ini, environment", "values", "default", "meaning"), rows, may_wrap=False)


def _names(option: Option) -> str:
    first, *others = filter(None, (option.flag, option.ini, option.env))
    return "<br>".join((anchored(first, "option", option.ini), *(f"`{name}`" for name in others)))


_KINDS: Final = {
    "flag": "on or off",
    "integer": "a whole number",
    "duration": "a number",
    "path": "a path",
    "paths": "paths",
    "account": "a name",
    "url": "a URL",
    "text": "a name",
    "budget": "`N/ALL`",
    "lines": "one a line",
}


def _values(option: Option) -> str:
    several = " (several, with commas)" if option.kind == "kinds" else ""
    bare = f"; bare: `{BARE[option.flag]}`" if option.flag in BARE else ""
    return f"{listed(option.choices)}{several}{bare}" if option.choices else _KINDS[option.kind]


def _default(option: Option) -> str:
    value = getattr(Settings, option.field, None)
    if option.kind == "flag":
        return "on" if value else "off"
    if value is None or value == ():
        return ""
    if isinstance(value, tuple):
        return f"`{'/'.join(map(str, value))}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


class Fixture(NamedTuple):
    """A public fixture: its name, its scope, its type and its docstring."""

    name: str
    scope: str
    type: str
    text: str


def fixtures_in_code() -> list[Fixture]:
    """Return the public fixtures, in the order of the file."""
    found = []
    for node in ast.parse(inspect.getsource(fixtures)).body:
        if isinstance(node, ast.FunctionDef) and node.name in fixtures.__all__:
            said = {
                keyword.arg: ast.literal_eval(keyword.value)
                for decorator in node.decorator_list
                if isinstance(decorator, ast.Call)
                for keyword in decorator.keywords
            }
            name = said.get("name", node.name)
            if not name.startswith("_") and name not in INTERNAL:
                given = ast.unparse(node.returns) if node.returns else "Any"
                given = re.sub(r"^Iterator\[(.*)\]$", r"\1", given)
                found.append(Fixture(name, said.get("scope", "function"), given, ast.get_docstring(node) or ""))
    return found


def _linked(type_: str) -> str:
    """Return a type as code; a public one links to the page of the Python API."""
    public = {getattr(pytest_adyen_creds, name): name for name in pytest_adyen_creds.__all__ if name[0].isupper()}
    for class_, name in public.items():
        if type_ == class_.__qualname__:
            return f"{{py:class}}`{name} <pytest_adyen_creds.{name}>`"
    return f"`{type_}`"


def fixture_list() -> Iterator[str]:
    """Yield every public fixture with its type, scope and docstring."""
    for each in fixtures_in_code():
        yield f"(fixture-{each.name})="
        yield f"## `{each.name}`"
        yield f"Type {_linked(each.type)}; scope {each.scope}."
        yield ""
        yield docstring(each.text)
        yield ""


def markers() -> Iterator[str]:
    """Yield every marker with its signature, what it is for, and what its arguments are."""
    for mark in MARKERS:
        signature, _, text = mark.partition(": ")
        name, bracket, arguments = signature.partition("(")
        if len(signature) > 60:
            signature = f"{name}(\n    {arguments.removesuffix(')').replace(', ', f',{chr(10)}    ')},\n)"
        yield f"(marker-{name})="
        yield f"## `{name}`"
        yield f"```python\n@pytest.mark.{signature if bracket else name}\n```"
        yield plain(text[:1].upper() + text[1:])
        for paragraph in docstring(_ARGUMENTS[name]).split("\n\n")[1:] if name in _ARGUMENTS else ():
            if not paragraph.startswith("Raises"):
                yield f"\n{paragraph}"
        yield ""


_ARGUMENTS: Final = {"adyen_credential": str(adyen_credential.__doc__), "adyen_rehearse": str(Mark.__doc__)}
"""The docstrings that say what the arguments of markers are, in their paragraphs after the first."""


def variations() -> Iterator[str]:
    """Yield what a mark may call variations of a rehearsal: kinds, classes and changes."""
    kinds = [name for name in NAMES if name in KINDS]
    classes = [name for name in NAMES if name.startswith("must-")]
    yield f"- kinds: {listed(kinds)}"
    yield f"- classes: {listed(classes)}"
    yield f"- changes: {listed(name for name in NAMES if name not in kinds + classes)}"


def presets() -> Iterator[str]:
    """Yield the known roles of the Management API, and which preset has them."""
    yield from table(
        ("role", *(f"`{name}`" for name in PRESETS)),
        ((f"`{role}`", *("yes" if role in roles else "" for roles in PRESETS.values())) for role in KNOWN),
    )


def setters() -> list[str]:
    """Return the names of what sets a fault."""
    named = inspect.getmembers(Faults, inspect.isfunction)
    return [name for name, function in named if "how" in inspect.signature(function).parameters]


def faults() -> Iterator[str]:
    """Yield every setter of a fault with what the client sees of it."""
    order = list(vars(Faults))
    rows = []
    for name in sorted(setters(), key=order.index):
        function = getattr(Faults, name)
        own = [str(each) for each in inspect.signature(function).parameters.values() if each.name not in _EVERY]
        signature = ", ".join(re.sub(r": [^=]+?(?= =|$)", "", each).replace(" = ", "=") for each in own)
        what, _, how = docstring(function.__doc__ or "").partition("\n\n")
        rows.append((anchored(f"{name}({signature})", "fault", name), what, how))
    yield from table(("setter", "what happens", "in-process (`httpx`), and over HTTP"), rows)


_EVERY: Final = ("self", "operation", "how")


def violations() -> Iterator[str]:
    """Yield the ways in which an answer can break the contract."""
    rows = ((anchored(name, "violation", name), plain(text)) for name, text in VIOLATION_TEXTS.items())
    yield from table(("violation", "what it does to the answer"), rows)


class Command(NamedTuple):
    """A command with its words, such as ``drift spec``; none for ``adyen-creds`` itself."""

    words: tuple[str, ...]
    command: click.Command
    context: click.Context


def commands_in_code() -> Iterator[Command]:
    """Yield every command, groups first."""

    def walk(command: click.Command, words: tuple[str, ...], parent: click.Context | None) -> Iterator[Command]:
        context = click.Context(command, parent, info_name=words[-1] if words else "adyen-creds")
        yield Command(words, command, context)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                if inner is not None and not inner.hidden:
                    yield from walk(inner, (*words, name), context)

    return walk(adyen_creds, (), None)


def commands() -> Iterator[str]:
    """Yield every command with its usage, help, arguments and options."""
    for words, command, context in commands_in_code():
        yield f"(command-{'-'.join(words) or 'adyen-creds'})="
        yield f"{'##' if len(words) < 2 else '###'} `{' '.join(('adyen-creds', *words))}`"
        usage = command.get_usage(context).removeprefix("Usage: ")
        yield f"```text\n{' '.join(usage.split())}\n```"
        for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
            yield ""
            yield f"```text\n{paragraph[1:].strip()}\n```" if paragraph.startswith("\b") else plain(paragraph)
        rows = [_parameter(each, words, context) for each in command.params if isinstance(each, click.Option)]
        if rows:
            yield from table(("option", "default", "meaning"), rows, may_wrap=False)
        yield ""


def _parameter(option: click.Option, words: tuple[str, ...], context: click.Context) -> tuple[str, str, str]:
    flag = max(option.opts, key=len)
    wanted = "" if option.is_flag else f" {option.make_metavar(context)}"
    shown = " ".join((", ".join(sorted(option.opts, key=len)) + wanted).split()).replace("|", "¦")
    help_ = option.help or ""
    written = re.search(r"\s*\[(?:default: )?([^\[\]]+)\]$", help_)
    default = option.get_default(context)
    if written:
        said, help_ = written[1], help_[: written.start()]
    elif isinstance(option.show_default, str):
        said = option.show_default
    elif option.required:
        said = "required"
    else:
        said = str(default) if option.show_default and default is not None else ""
    name = "-".join((*(words or ("adyen-creds",)), flag.strip("-")))
    return anchored(shown, "command", name).replace("¦", "\\|"), plain(said), plain(help_)


def findings() -> Iterator[str]:
    """Yield every id of drift's findings with its levels and meaning."""
    rows = ((anchored(each.id, "finding", each.id), ", ".join(each.levels), plain(each.meaning)) for each in entries())
    yield from table(("id", "level", "meaning"), rows)


def other_findings() -> Iterator[str]:
    """Yield the ids of what a baseline can accept besides drift."""
    known = {**VERDICTS, **ROLE_FINDINGS}
    yield from table(("id", "meaning"), ((anchored(id_, "finding", id_), plain(text)) for id_, text in known.items()))


def rules() -> Iterator[str]:
    """Yield every rule of the sandbox by subject, with its evidence and source."""
    known = behaviours()
    counts = ", ".join(f"{sum(rule.evidence is each for rule in known)} {each}" for each in Evidence)
    yield f"{len(known)} rules: {counts}."
    yield ""
    for subject in dict.fromkeys(rule.subject for rule in known):
        yield f"## {subject}"
        rows = (
            (anchored(rule.id, "rule", rule.id), rule.evidence.value, plain(rule.says), plain(rule.source))
            for rule in known
            if rule.subject == subject
        )
        yield from table(("rule", "evidence", "what it says", "source"), rows)


def deviations_in_code() -> dict[Entry, list[str]]:
    """Return every known deviation of the bundled contract, with the versions of the API that have it."""
    found: dict[Entry, list[str]] = {}
    for version in VERSIONS:
        for entry in load_contract(version).known_deviations.entries:
            found.setdefault(entry, []).append(version)
    return found


def deviations() -> Iterator[str]:
    """Yield every known deviation with its evidence."""
    for number, (entry, versions) in enumerate(deviations_in_code().items(), 1):
        yield f"(deviation-{number})="
        yield f"## {number}. {plain(entry.reason)}"
        sometimes = "; depends on the request or the credential" if entry.sometimes else ""
        yield from table(
            ("", ""),
            (
                ("finding", f"[`{entry.id}`](findings.md#finding-{anchor(entry.id)})"),
                ("place", f"`{entry.location}`" if entry.location else "any"),
                ("status", ", ".join(map(str, entry.statuses)) if entry.statuses else "any"),
                ("operation", listed(entry.operations) if entry.operations else "any"),
                ("versions", f"{', '.join(versions)}{sometimes}"),
                ("seen", "; ".join(plain(str(each)) for each in entry.evidence)),
            ),
        )


PARTS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    part.__name__.replace("_", "-"): part
    for part in (
        *(options, fixture_list, markers, variations, presets, faults, violations),
        *(commands, findings, other_findings, rules, deviations),
    )
}
"""What the directive can put in."""


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement) -> Any:
    """Return a link for a name in a docstring that is not qualified, where one object of the site is called so."""
    if node.get("refdomain") != "py":
        return None
    domain = env.domains.python_domain
    name = str(node["reftarget"]).rpartition(".")[2]
    found = [each for each in domain.objects if each.rpartition(".")[2] == name and not domain.objects[each].aliased]
    if len(found) != 1 or name == "":
        return None
    return domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], found[0], node, content)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive, and what finds the names of docstrings."""
    from sphinx.util.docutils import SphinxDirective

    class FromCode(SphinxDirective):
        """Puts a part of the reference in: one of :data:`PARTS`."""

        required_arguments = 1

        def run(self) -> list[nodes.Node]:
            """Return what the part is parsed to."""
            lines = PARTS[self.arguments[0]]()
            return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)

    # the public name is the one that is documented
    pytest_adyen_creds.Contract.__name__ = "Contract"
    app.add_directive("from-code", FromCode)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
