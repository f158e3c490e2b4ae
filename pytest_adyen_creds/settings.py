"""Settings: one frozen :class:`Settings`, resolved once: command line > ini > environment > default."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from pytest_adyen_creds.endpoints import MANAGEMENT_HOST, check_endpoint
from pytest_adyen_creds.errors import EndpointRefused, FileRefused, SettingsError
from pytest_adyen_creds.files import read_text
from pytest_adyen_creds.options import BARE, OPTIONS, Kind, Option, is_true
from pytest_adyen_creds.secrets import SECRETS, Secret
from pytest_adyen_creds.text import plain

LIVE_PREFIX: Final = "live_"
"""How a client key of the live environment starts (Adyen's documentation); one stops the run."""

INI_FILES: Final = (
    ("pytest.toml", "pytest"),
    (".pytest.toml", "pytest"),
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("pyproject.toml", ""),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)
"""Where pytest looks for its ini options, in its order, and the section; ``pyproject.toml`` has them in two tables."""


BASE_URL: Final = "ADYEN_BASE_URL"
"""The variable that names another server."""

_KEY: Final = "ADYEN_MANAGEMENT_API_KEY"
"""The variable of the key that signs a live run's requests, which is read when the run starts, and taken out."""


class ProvisioningKey(NamedTuple):
    """What the environment has of the key that signs a live run's requests."""

    secret: Secret | None
    source: str = f"environment {_KEY}"
    """Where it is from, in words."""
    problem: str = ""
    """Why there is none though the environment names one."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> ProvisioningKey:
        """Read the key, or the file that holds it; whether a run needs it is not known yet, so nothing is raised."""
        try:
            text, source = read_key(environ, _KEY)
        except SettingsError as error:
            return cls(None, problem=str(error))
        return cls(Secret(text) if text else None, source)

    @classmethod
    def take(cls, environ: MutableMapping[str, str], *, keep: bool = False) -> tuple[ProvisioningKey, dict[str, str]]:
        """Return the key of ``environ``, and the variables about it, which are taken out unless they are to be kept.

        Keys of other users are registered, so that they are masked, and stay: they are there for tests.
        """
        for name, value in environ.items():
            if name.startswith("ADYEN_") and name.endswith("_API_KEY"):
                SECRETS.add(value.strip())
        key = cls.of(environ)
        taken = {} if keep else {name: environ.pop(name) for name in (_KEY, f"{_KEY}_FILE") if name in environ}
        return key, taken


def read_key(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return the key that the variable ``name``, or the file that ``NAME_FILE`` names, holds, and where it is from.

    Empty where there is none. Raises :class:`SettingsError` for both, and for a file that cannot be read.
    """
    text, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    SECRETS.add(text)
    if text and path:
        raise SettingsError(f"environment {name} and {name}_FILE are both set; unset one of them")
    if path:
        try:
            text = read_text(path, largest=65_536).strip()
        except FileRefused as error:
            raise SettingsError(f"environment {name}_FILE: {error}") from None
        SECRETS.add(text)
    return text, f"environment {name}_FILE" if path else f"environment {name}"


@dataclass(frozen=True)
class Settings:
    """What this run was asked to do: command line over ini over environment over default."""

    backend: Literal["auto", "replay", "sandbox", "live"] = "auto"
    record: Literal["none", "missing", "all"] = "none"
    run_contracts: bool = False
    api_version: Literal["v3", "v1"] = "v3"
    base_url: str = f"https://{MANAGEMENT_HOST}/v3"
    max_created: int = 5
    drift: Literal["report", "fail-breaking", "fail"] = "report"
    drift_baseline: Path | None = None
    reports: tuple[Path, ...] = ()
    strict: bool = False
    """Whether answers are judged by the published document alone, so that known deviations count."""
    rehearse: tuple[str, ...] = ()
    """The kinds of what is otherwise when tests run again; none: they do not."""
    rehearse_fail: Literal["none", "must-survive", "all"] = "none"
    rehearse_only: str | None = None
    """The name of the one thing that is to be otherwise."""
    rehearse_max: tuple[int, int] = (24, 2400)
    """How often one test may run again, and all together."""
    roles: Literal["report", "fail", "write", "prove"] | None = None
    """What is made of the roles that the tests need."""
    roles_given: tuple[str, ...] | None = None
    """The roles that every lease has, whatever the test asks for."""
    pause: bool = False
    """Whether the run stops after a failed test, and keeps its sandbox open."""
    keep_environment: bool = False
    """Whether tests find the provisioning key in their environment."""
    mask_written: bool = False
    """Whether all that was written below the run's folder is looked through when it ends."""
    audit: bool = False
    """Whether Python's audit events are listened to, too, so that no connection goes past the guard at the socket."""
    contracts: Path | None = None
    cassettes: Path | None = None
    ready_timeout: float = 600.0
    """Seconds."""
    cassette_max_age: float | None = None
    """Days; None: a cassette's age is not looked at."""
    api_key: Secret | None = None
    company: str | None = None
    merchant: str | None = None

    def require_live(self, level: Literal["company", "merchant"] = "company") -> tuple[Secret, str]:
        """Return the key and the account that the live backend needs at ``level``.

        Raises :class:`SettingsError` that names the missing variable. To be called only where the live backend is used.
        """
        if self.api_key is None:
            raise SettingsError(
                "the live backend needs the key of a test credential: set ADYEN_MANAGEMENT_API_KEY, "
                "or ADYEN_MANAGEMENT_API_KEY_FILE to a file that holds it; "
                "to rehearse without an account: adyen-creds sandbox serve --port 8080 --api-key-file key"
            )
        account = self.company if level == "company" else self.merchant
        if account is None:
            raise SettingsError(
                f"the live backend needs the name of the {level} account: "
                f"set ADYEN_{level.upper()}_ACCOUNT, or adyen_{level}_account in the ini file"
            )
        return self.api_key, account


def resolve(
    options: Mapping[str, Any],
    ini: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    root: Path | None = None,
    key: ProvisioningKey | None = None,
) -> Settings:
    """Return the settings of this run: command line over ini over environment over default.

    ``options`` and ``ini`` map the names of :data:`OPTIONS` (``dest`` and ``ini``) to what was given; None and ``""``
    mean not given, and so does False for a flag. Paths in ``ini`` are relative to ``root`` (default: the current
    directory). ``key`` is what was read before, where ``environ`` no longer has it. Raises :class:`SettingsError`
    naming the source of a wrong value and what to write instead, and :class:`EndpointRefused` for a base URL that the
    guard refuses.
    """
    _refuse_live_keys(options, ini, environ)
    given: dict[str, tuple[str, Any]] = {}
    for option in OPTIONS:
        for source, raw in _sources(option, options, ini, environ):
            anchor = root if root and source.startswith("ini ") else Path()
            given[option.field] = source, _convert(option, source, raw, anchor)
            break
    values = {field: value for field, (_, value) in given.items()}
    _settle_backend(given, values)
    _settle_version(given, values)
    _require_folders(given, values)
    values.pop("live", None)
    key = key or ProvisioningKey.of(environ)
    return Settings(api_key=_api_key(key, is_needed=values.get("backend") == "live"), **values)


def _sources(
    option: Option, options: Mapping[str, Any], ini: Mapping[str, Any], environ: Mapping[str, str]
) -> Iterator[tuple[str, Any]]:
    if option.dest and not _absent(value := options.get(option.dest), option.kind):
        yield f"option {option.flag}", value
    if not _absent(value := ini.get(option.ini), None):
        yield f"ini {option.ini}", value
    if option.env and not _absent(value := environ.get(option.env), None):
        yield f"environment {option.env}", value


def _absent(value: Any, kind: str | None) -> bool:
    # store_true hands over False where nothing was given; in an ini file, false is a choice
    return value is None or value in ("", [], ()) or (kind == "flag" and value is False)


def _settle_backend(given: Mapping[str, tuple[str, Any]], values: dict[str, Any]) -> None:
    live_source, live = given.get("live", ("", False))
    backend_source, backend = given.get("backend", ("", None))
    if live and backend not in (None, "live"):
        on_the_line = [source.startswith("option ") for source in (live_source, backend_source)]
        if on_the_line[0] == on_the_line[1]:
            raise SettingsError(f"{live_source} and {backend_source}={backend} disagree; give one of them")
        if on_the_line[1]:
            live = False
    if live:
        values["backend"] = "live"
    if values.get("rehearse_only"):
        values["rehearse"] = next(option.choices for option in OPTIONS if option.field == "rehearse")
    for field in ("rehearse_only", "rehearse"):
        source = given.get(field, ("", None))[0]
        records = values.get("record", "none") != "none"
        if values.get(field) and (records or values.get("backend") == "live"):
            if source.startswith("ini "):
                values["rehearse"] = ()  # what is asked for on the line is no rehearsal
                continue
            against = f"{given['record'][0]}={values['record']}" if records else "a live run"
            raise SettingsError(
                f"{source} and {against} disagree: a rehearsal changes answers of the sandbox and of recordings only; "
                "leave one of them out"
            )
    if values.get("backend") == "replay" and values.get("record", "none") != "none":
        raise SettingsError(
            f"{given['record'][0]}={values['record']} needs a backend that answers; replay does not: "
            "use --adyen-backend=sandbox or --adyen-live"
        )


def _settle_version(given: Mapping[str, tuple[str, Any]], values: dict[str, Any]) -> None:
    url, version = values.get("base_url"), values.get("api_version")
    if url is None:
        values["base_url"] = f"https://{MANAGEMENT_HOST}/{version or 'v3'}"
    elif version is None:
        values["api_version"] = url[-2:]
    elif not url.endswith(f"/{version}"):
        raise SettingsError(
            f"{given['base_url'][0]} ends in /{url[-2:]} but {given['api_version'][0]} says {version}; make them agree"
        )


def _require_folders(given: Mapping[str, tuple[str, Any]], values: Mapping[str, Any]) -> None:
    recording = values.get("record", "none") != "none"
    for field, mend in (
        ("contracts", "write a folder of contracts: VERSION/openapi.yaml and VERSION/structures"),
        ("cassettes", "write a folder of cassettes (VERSION/*.yaml), or make it with --adyen-record=all"),
    ):
        source, path = given.get(field, ("", None))
        if path is None or path.is_dir():
            continue
        is_below_a_file = any(map(os.path.isfile, (path, *path.parents)))
        if field == "contracts" or not recording or is_below_a_file:
            raise SettingsError(f"{source}: {plain(str(path))} is no folder; {mend}")


def _refuse_live_keys(options: Mapping[str, Any], ini: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    for kind, source in (("option", options), ("ini", ini), ("environment", environ)):
        for name, value in source.items():
            if name.upper().startswith("ADYEN") and isinstance(value, str) and value.strip().startswith(LIVE_PREFIX):
                SECRETS.add(value.strip())
                raise SettingsError(
                    f"{kind} {name} holds a key of the live environment ({LIVE_PREFIX}...); "
                    "the run stops here: use a key of the test environment"
                )


def _api_key(key: ProvisioningKey, *, is_needed: bool) -> Secret | None:
    text = key.secret.reveal() if key.secret else ""
    _refuse_live_keys({}, {}, {key.source.removeprefix("environment "): text})
    if is_needed and key.problem:
        raise SettingsError(key.problem)
    if is_needed and text and not re.fullmatch(r"[!-~]+", text):
        raise SettingsError(f"{key.source} does not hold an API key: it has spaces, line ends or non-ASCII characters")
    return key.secret


def _convert(option: Option, source: str, raw: Any, root: Path) -> Any:
    """Return the value that ``raw`` stands for, or raise an error that says what to write."""
    try:
        if option.kind in ("path", "paths"):
            return _paths(option, raw, root)
        return _CONVERTERS[option.kind](option, str(raw).strip())
    except EndpointRefused as error:
        raise EndpointRefused(f"{source}: {error}") from None
    except _Expected as expected:
        raise SettingsError(f"{source}: {SECRETS.mask(repr(raw))[:200]} is wrong; write {expected}") from None


class _Expected(Exception):
    """What should have been written."""


def _flag(_: Option, text: str) -> bool:
    if not is_true(text) and text.lower() not in ("false", "0", "no", "off"):
        raise _Expected("true or false")
    return is_true(text)


def _choice(option: Option, text: str) -> str:
    if text not in option.choices:
        raise _Expected("one of " + ", ".join(option.choices))
    return text


def _kinds(option: Option, text: str) -> tuple[str, ...]:
    if text.lower() in ("false", "0", "no", "off"):
        return ()
    text = BARE[option.flag or ""] if is_true(text) else text
    given = [each for item in text.split(",") if (each := item.strip())]
    if not given or not set(given) <= set(option.choices):
        raise _Expected(
            f"one or more of {', '.join(option.choices)}, with commas between them: {option.flag}="
            f"{','.join(option.choices[:2])} (a path stands before a bare {option.flag})"
        )
    return tuple(each for each in option.choices if each in given)


def _lines(_: Option, text: str) -> tuple[str, ...]:
    return tuple(each for line in text.splitlines() if (each := line.strip()) and each != "-")


def _budget(_: Option, text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9][0-9]{0,5})(?:/([1-9][0-9]{0,6}))?", text)
    if not found:
        raise _Expected("how often one test may run again, or that and the same for all tests together: 24/2400")
    return int(found[1]), int(found[2] or 2400)


def _url(_: Option, text: str) -> str:
    check_endpoint(text)
    if "?" in text or urlsplit(text).path not in ("/v1", "/v3"):
        raise _Expected(f"a URL that ends in /v1 or /v3 right after the host, such as https://{MANAGEMENT_HOST}/v3")
    return text


def _paths(option: Option, raw: Any, root: Path) -> Path | tuple[Path, ...]:
    items = raw if isinstance(raw, list | tuple) else str(raw).splitlines()
    texts = [text for item in items if (text := str(item).strip())]
    if not texts or any("\0" in text for text in texts) or (option.kind == "path" and len(texts) > 1):
        raise _Expected("one path" if option.kind == "path" else "a path, or several on lines of their own")
    try:
        paths = tuple(root / Path(text).expanduser() for text in texts)
    except RuntimeError:
        raise _Expected("a path that starts with the ~ of somebody whom this machine knows, or with none") from None
    for problem in filter(None, map(_unusable, paths)):
        raise _Expected(f"a path that this machine can follow ({problem})")
    return paths if option.kind == "paths" else paths[0]


def _unusable(path: Path) -> str:
    """Return why nothing can be at ``path``, or be made there; empty where that cannot be told."""
    try:
        os.stat(path)  # noqa: PTH116 - Path's own refuses in other words what no name may have
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or type(error).__name__
    return ""


def _of_form(form: str, expected: str, make: Callable[[str], Any]) -> Callable[[Option, str], Any]:
    def converted(_: Option, text: str) -> Any:
        if not re.fullmatch(form, text):
            raise _Expected(expected)
        return make(text)

    return converted


_CONVERTERS: Final[Mapping[Kind, Callable[[Option, str], Any]]] = {
    "flag": _flag,
    "choice": _choice,
    "account": _of_form(
        r"[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?",
        "the account's name: letters, digits, and . _ - within",
        str,
    ),
    "integer": _of_form(r"[0-9]{1,6}", "a whole number, 0 or more", int),
    "duration": _of_form(r"(?=.*[1-9])[0-9]{1,9}(?:\.[0-9]{1,6})?", "a number over 0, such as 30", float),
    "url": _url,
    "kinds": _kinds,
    "text": lambda _, text: text,
    "budget": _budget,
    "lines": _lines,
}


def ini_options(folder: Path) -> tuple[dict[str, str], Path]:
    """Return this plugin's ini options and the folder they are from, for the commands, which run without pytest.

    They are those of the first pytest configuration in ``folder`` or its parents, in pytest's order of files; without
    one: no options, and ``folder``. Raises :class:`SettingsError` for a file that cannot be read.
    """
    for place in (folder, *folder.parents):
        for name, section in INI_FILES:
            # as a string, since most are not there; and Path's own is_file raises for what cannot be entered
            if os.path.isfile(f"{place}{os.sep}{name}") and (values := _section(place / name, section)) is not None:  # noqa: PTH113
                names = {option.ini for option in OPTIONS}
                return {key: _text(value) for key, value in values.items() if key in names}, place
    return {}, folder


def settings_of_ini(name: str) -> Settings:
    """Return the settings where nothing is given but the ini option ``name`` of the project in the current folder."""
    options, root = ini_options(Path.cwd())
    return resolve({}, {name: options[name]} if name in options else {}, {}, root=root)


def _section(path: Path, section: str) -> Mapping[str, Any] | None:
    import configparser  # not for every run of pytest

    from pytest_adyen_creds.formats import LARGEST_TOML, read_toml

    try:
        if path.suffix == ".toml":
            document = read_toml(path, empty=None)
            if section:  # a file for pytest alone, which pytest 9 reads
                return _table(document, section) or {}
            pytest_table = _table(_table(document, "tool") or {}, "pytest")
            return None if pytest_table is None else {**pytest_table, **(_table(pytest_table, "ini_options") or {})}
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read_string(read_text(path, largest=LARGEST_TOML, empty=None))
    except FileRefused as error:
        raise SettingsError(f"{error}, or run elsewhere") from None
    except (ValueError, configparser.Error) as error:
        raise SettingsError(f"{path}: cannot be read ({type(error).__name__}); mend it, or run elsewhere") from None
    if section in parser:
        return parser[section]
    return {} if path.name.endswith("pytest.ini") else None


def _table(parent: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    table = parent.get(name)
    if table is not None and not isinstance(table, dict):
        raise ValueError(f"{name} is no table")
    return table


def _text(value: Any) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)
