"""``adyen-creds init``: ini lines, a first test, a workflow and a hook, shown as a diff before they are written."""

from __future__ import annotations

import argparse
import configparser
import difflib
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import click

from pytest_adyen_creds.errors import FileRefused, StaleCassetteWarning
from pytest_adyen_creds.files import check_writable, read_bytes, write_text
from pytest_adyen_creds.project import REPOSITORY, __version__
from pytest_adyen_creds.settings import INI_FILES
from pytest_adyen_creds.text import plain

INI: Final[Mapping[str, str]] = {"adyen_drift": "fail-breaking", "adyen_cassette_max_age": "180"}
"""The ini options that are written, where they are not set: drift that breaks clients fails, old recordings warn."""

_MAX_AGE: Final = "adyen_cassette_max_age"
_LEFT_OUT: Final = (
    f"left out: {_MAX_AGE}, since warnings are errors in {{name}}: each recorded test would fail after "
    f"{INI[_MAX_AGE]} days; adyen-creds cassettes check . --max-age {INI[_MAX_AGE]} says the same without failing tests"
)
_EXTRAS: Final = ("test", "tests", "dev")
"""What a project calls the extra, or the dependency group, that its tests take."""

_HOOK: Final = "adyen-cassettes-check"
_TEST: Final = "test_adyen_credential.py"
_TABLES: Final = ("tool.pytest.ini_options", "tool.pytest")


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the file ``name`` of a project: its text ``before`` (None: there is none) and ``after``."""

    name: str
    before: str | None
    after: str

    def diff(self) -> Iterator[str]:
        """Yield the lines of a unified diff."""
        old = (self.before or "").splitlines()
        source = "/dev/null" if self.before is None else self.name
        yield from difflib.unified_diff(old, self.after.splitlines(), source, self.name, lineterm="")


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Write it; without it you are asked, or nothing is changed.")
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "none"]),
    help="Whose workflow is written.  [default: gitlab where .gitlab-ci.yml is there, else github]",
)
@click.option("--hook/--no-hook", default=True, help="Add the hook to .pre-commit-config.yaml.")
def init(folder: Path, write: bool, ci: str | None, hook: bool) -> int:
    """Set up a project: ini lines, a first test, a workflow, and a hook for pre-commit.

    What would be written is shown as a diff. What is there stays: files of the same name, options that are set,
    comments. A second time there is nothing to do.

    \b
    adyen-creds init
    adyen-creds init --write --ci gitlab --no-hook
    """
    workflow = _workflow(folder, ci)
    found = [_ini(folder), _first_test(folder), workflow, _hook(folder) if hook else None]
    changes = [change for change in found if change is not None]
    if not changes:
        click.echo("nothing to do: it is all there")
        return 0
    for change in changes:
        check_writable(folder / change.name)
        for line in change.diff():
            click.echo(plain(line))
    if not write and sys.stdin.isatty():
        write = click.confirm("Write this?", default=False)
    if not write:
        click.echo("nothing was written; --write does")
        return 0
    for change in changes:
        write_text(folder / change.name, change.after)
        click.echo(f"wrote {plain(change.name)}")
    for line in _next_steps(workflow):
        click.echo(line)
    return 0


def _next_steps(workflow: Change | None) -> Iterator[str]:
    """Yield what is left to do by hand."""
    yield "next: run pytest"
    if workflow is None:
        return
    at_github = workflow.name.endswith("adyen.yml")
    where = "Settings > Secrets and variables > Actions" if at_github else "Settings > CI/CD > Variables"
    secret = "secret" if at_github else "masked variable"
    yield f"for the nightly job ({where}): the {secret} ADYEN_MANAGEMENT_API_KEY,"
    yield "  and the variables ADYEN_COMPANY_ACCOUNT and ADYEN_MERCHANT_ACCOUNT"
    if not at_github:
        yield "  and a schedule (Build > Pipeline schedules)"


def _ini(folder: Path) -> Change | None:
    """Return the change to the file that pytest has its options from; a new pytest.ini where there is none."""
    for name, text, table, options in _tables(folder):
        # pytest takes a file for its own by these names even where it is empty
        if options is not None or name.endswith(("pytest.ini", "pytest.toml")):
            return _with_options(name, text, table, options)
    if (pyproject := _text(folder / "pyproject.toml")) is not None:
        return _with_options("pyproject.toml", pyproject, _TABLES[0], None)
    return _with_options("pytest.ini", None, "pytest", None)


def _tables(folder: Path) -> Iterator[tuple[str, str, str, dict[str, Any] | None]]:
    """Yield each place where pytest looks for its options: file, text, table, and its options, None without one."""
    for name, section in INI_FILES:
        if (text := _text(folder / name)) is not None:
            for table in [section] if section else _TABLES:
                yield name, text, table, _options(name, text, table)


def _with_options(name: str, text: str | None, table: str, options: dict[str, Any] | None) -> Change | None:
    """Return the change that adds what is missing to the ``options`` of a file's ``table``; None where nothing is."""
    there = options or {}
    missing = {option: value for option, value in INI.items() if option not in there}
    if _MAX_AGE in missing and _warnings_fail(there):
        del missing[_MAX_AGE]
        click.echo(_LEFT_OUT.format(name=name))
    if not missing:
        return None
    quote = '"' if _is_toml(name) else ""
    lines = [f"{option} = {quote}{value}{quote}" for option, value in missing.items()]
    end = "\r\n" if text and "\r\n" in text else "\n"
    if options is None or text is None:
        before = f"{text.rstrip()}{end}{end}" if text and text.strip() else ""
        after = before + end.join([f"[{table}]", *lines, ""])
    else:
        inner = r"\s*\.\s*".join(map(re.escape, table.split(".")))
        header = re.compile(rf"^[ \t]*\[[ \t]*{inner}[ \t]*\][ \t]*(?:[#;][^\r\n]*)?(?:\r?\n|\Z)", re.MULTILINE)
        match = header.search(text)
        at = match.end() if match else 0
        before = text[:at] if text[:at].endswith("\n") or not at else text[:at] + end
        after = before + end.join([*lines, ""]) + text[at:]
    # whatever way the file is written: it must say the same as before, and this besides
    if _options(name, after, table) != {**there, **missing} or not _same_otherwise(name, text, after):
        said = ", ".join(lines)
        raise FileRefused(f"{name}: its [{table}] cannot be added to safely; write there by hand: {said}")
    return Change(name, text, after)


def _warnings_fail(options: Mapping[str, Any]) -> bool:
    """Tell whether pytest, with ``options``, makes an error of the warning that a recording is old."""
    given, added = options.get("filterwarnings", []), options.get("addopts", "")
    filters = given.splitlines() if isinstance(given, str) else list(map(str, given))
    words = shlex.split(added, posix=True) if isinstance(added, str) else list(map(str, added))
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("-W", "--pythonwarnings", action="append", default=[])
    filters += parser.parse_known_args(words)[0].pythonwarnings
    names = {kind.__name__ for kind in StaleCassetteWarning.__mro__}
    action = ""
    for each in map(str.strip, filters):  # the last one that is about it counts
        said, message, category, module, *_ = [*map(str.strip, each.split(":")), "", "", ""]
        if said and not message and not module and (not category or category.rpartition(".")[2] in names):
            action = said
    return action == "error"


def _same_otherwise(name: str, before: str | None, after: str) -> bool:
    """Tell whether a document says, but for the options that are written, what it said before."""

    def bare(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        left = {key: bare(value) for key, value in node.items() if key not in INI}
        return {key: value for key, value in left.items() if value != {}}

    return before is None or bool(bare(_document(name, before)) == bare(_document(name, after)))


def _options(name: str, text: str, table: str) -> dict[str, Any] | None:
    """Return the options in a file's ``table``, or None where it has none; raises :class:`FileRefused`."""
    found: Any = _document(name, text)
    for part in table.split(".") if _is_toml(name) else [table]:
        found = found.get(part) if isinstance(found, dict) else None
    # [tool.pytest.ini_options] makes a table [tool.pytest], which is another one
    is_only_outer = isinstance(found, dict) and table == _TABLES[1] and set(found) <= {"ini_options"}
    return None if is_only_outer or not isinstance(found, dict) else found


def _document(name: str, text: str) -> dict[str, Any]:
    """Return what a file of TOML, or of sections, says; raises :class:`FileRefused`."""
    try:
        if _is_toml(name):
            return tomllib.loads(text)
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read_string(text)
        return {section: dict(parser[section]) for section in parser.sections()}
    except (tomllib.TOMLDecodeError, configparser.Error) as error:
        raise FileRefused(f"{name}: cannot be read ({plain(str(error))}); mend it first") from None


def _is_toml(name: str) -> bool:
    return name.endswith(".toml")


def _first_test(folder: Path) -> Change | None:
    name = (Path(_tests_of(folder)) / _TEST).as_posix()
    return None if (folder / name).exists() else Change(name, None, _template("first_test.py.txt"))


def _tests_of(folder: Path) -> str:
    """Return the folder that tests are in: the first of pytest's testpaths that is one, else tests."""
    for _, _, _, options in _tables(folder):
        paths = (options or {}).get("testpaths", [])
        for path in paths.split() if isinstance(paths, str) else paths:
            if (folder / str(path)).is_dir():
                return Path(str(path)).as_posix()
    return "tests"


def _workflow(folder: Path, ci: str | None) -> Change | None:
    gitlab = _text(folder / ".gitlab-ci.yml")
    ci = ci or ("github" if gitlab is None else "gitlab")
    if ci == "none":
        return None
    if ci == "gitlab":
        return _gitlab(gitlab)
    name = ".github/workflows/adyen.yml"
    if (folder / name).exists():
        return None
    install = _installed(folder)
    install += ["-r requirements.txt"] if (folder / "requirements.txt").is_file() else []
    return Change(name, None, _template("github.yml").replace(" {install}", "".join(f" {each}" for each in install)))


def _installed(folder: Path) -> list[str]:
    """Return what pip is told to install of the project in ``folder``: itself, with what its tests take."""
    text = _text(folder / "pyproject.toml")
    if text is None:
        return []
    document = _document("pyproject.toml", text)
    project, groups = document.get("project"), document.get("dependency-groups", {})
    extras = project.get("optional-dependencies", {}) if isinstance(project, dict) else {}
    extra = next((name for name in _EXTRAS if name in extras), None)
    group = next((name for name in _EXTRAS if name in groups), None) if extra is None else None
    itself = [] if project is None else ["-e ." if extra is None else f"-e '.[{extra}]'"]
    return itself + ([] if group is None else [f"--group {group}"])


def _gitlab(text: str | None) -> Change | None:
    name, lines = ".gitlab-ci.yml", _template("gitlab.yml")
    if text is None:
        return Change(name, None, lines)
    if "/templates/gitlab-ci.yml" in text and REPOSITORY.rpartition("github.com/")[2] in text:
        return None
    if re.search(r"^[\"']?include[\"']?\s*:", text, re.MULTILINE):
        remote = lines.splitlines()[1].strip()
        raise FileRefused(f"{name}: has an include: already; add to it '{remote}', then run this with --ci none")
    return Change(name, text, f"{text.rstrip()}\n\n{lines}")


def _hook(folder: Path) -> Change | None:
    import yaml

    name = ".pre-commit-config.yaml"
    entry, text = _template("pre-commit.yaml"), _text(folder / name)
    if text is None:
        return Change(name, None, "repos:\n" + _indented(entry, "  "))
    if _HOOK in text:
        return None
    repos = re.search(r"^repos:[ \t]*(?:#[^\n]*)?\r?\n", text, re.MULTILINE)
    first = re.compile(r"^([ \t]*)- ", re.MULTILINE).search(text, repos.end()) if repos else None
    after = ""
    if repos and first:
        entry = _indented(entry, first[1])
        after = text[: repos.end()] + (entry.replace("\n", "\r\n") if "\r\n" in text else entry) + text[repos.end() :]
    try:
        old, new = yaml.safe_load(text), yaml.safe_load(after)
        is_sound = bool(new) and new == {**old, "repos": [*yaml.safe_load(entry), *old["repos"]]}
    except (yaml.YAMLError, TypeError, KeyError):
        is_sound = False
    if not is_sound:
        raise FileRefused(
            f"{name}: its repos cannot be added to safely; add by hand the hook {_HOOK} of {REPOSITORY}, "
            "or run this with --no-hook"
        )
    return Change(name, text, after)


def _indented(text: str, by: str) -> str:
    return "".join(f"{by}{line}" for line in text.splitlines(keepends=True))


def _template(name: str) -> str:
    text = (files("pytest_adyen_creds.init") / "templates" / name).read_text(encoding="utf-8")
    path = REPOSITORY.rpartition("github.com/")[2]
    filled = {
        "{version}": __version__,
        "{repository}": REPOSITORY,
        "{action}": path,
        "{raw}": f"https://raw.githubusercontent.com/{path}",
    }
    for placeholder, value in filled.items():
        text = text.replace(placeholder, value)
    return text


def _text(path: Path) -> str | None:
    """Return the text of a file as it is, line ends too; None where there is none."""
    if not path.exists():
        return None
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileRefused(f"{path.name}: is not UTF-8 (byte {error.start}); convert it to UTF-8") from None
