"""The options: what each setting is called on the command line, in the ini file and in the environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from pytest_adyen_creds.endpoints import MANAGEMENT_HOST, check_endpoint
from pytest_adyen_creds.errors import EndpointRefused, SettingsError
from pytest_adyen_creds.secrets import SECRETS

Kind = Literal["choice", "flag", "integer", "duration", "path", "paths", "account", "url"]


class Option(NamedTuple):
    """One setting and where it may be given; an option's ``dest`` is its flag with underscores (``adyen_base_url``)."""

    field: str
    """The attribute of :class:`Settings`."""
    kind: Kind
    default: Any
    help: str
    flag: str | None = None
    ini: str | None = None
    env: str | None = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None

    @property
    def dest(self) -> str | None:
        """The name under which the command line hands the option over; None without a flag."""
        return self.flag and self.flag.lstrip("-").replace("-", "_")


OPTIONS: Final = (
    Option(
        "live", "flag", False, "short for --adyen-backend=live: Adyen's test endpoint", "--adyen-live", "adyen_live"
    ),
    Option(
        "backend",
        "choice",
        "auto",
        "where requests go; auto: a test's cassette if it has one, else the sandbox",
        "--adyen-backend",
        "adyen_backend",
        choices=("auto", "replay", "sandbox", "live"),
    ),
    Option(
        "record",
        "choice",
        "none",
        "write cassettes from the backend in use (sandbox or live)",
        "--adyen-record",
        "adyen_record",
        choices=("none", "missing", "all"),
    ),
    Option(
        "run_contracts",
        "flag",
        False,
        "add the bundled contract suite to this run",
        "--adyen-contracts",
        "adyen_contracts_run",
    ),
    Option(
        "api_version",
        "choice",
        "v3",
        "which contract and endpoint",
        "--adyen-api-version",
        "adyen_api_version",
        "ADYEN_API_VERSION",
        choices=("v3", "v1"),
    ),
    Option(
        "base_url",
        "url",
        None,
        "another server: loopback, or a test host of Adyen; all else is refused",
        "--adyen-base-url",
        "adyen_base_url",
        "ADYEN_BASE_URL",
        metavar="URL",
    ),
    Option(
        "max_created",
        "integer",
        5,
        "live: at most N credentials created in a run; they can never be deleted",
        "--adyen-max-created",
        "adyen_max_created",
        metavar="N",
    ),
    Option(
        "drift",
        "choice",
        "report",
        "what drift does to the exit status",
        "--adyen-drift",
        "adyen_drift",
        choices=("report", "fail-breaking", "fail"),
    ),
    Option(
        "drift_baseline",
        "path",
        None,
        "accepted drift (TOML)",
        "--adyen-drift-baseline",
        "adyen_drift_baseline",
        metavar="FILE",
    ),
    Option(
        "reports",
        "paths",
        (),
        "write the HTML report (.html) or the findings (.json); may be repeated",
        "--adyen-report",
        "adyen_report",
        metavar="FILE",
    ),
    Option("contracts", "path", None, "a directory of your own contracts, laid out like ours", ini="adyen_contracts"),
    Option("cassettes", "path", None, "a directory of the contract suite's cassettes", ini="adyen_cassettes"),
    Option(
        "ready_timeout", "duration", 600.0, "seconds to wait until a new key answers 200", ini="adyen_ready_timeout"
    ),
    Option("cassette_max_age", "duration", None, "days after which a cassette is stale", ini="adyen_cassette_max_age"),
    Option("company", "account", None, "the company account", ini="adyen_company_account", env="ADYEN_COMPANY_ACCOUNT"),
    Option(
        "merchant", "account", None, "the merchant account", ini="adyen_merchant_account", env="ADYEN_MERCHANT_ACCOUNT"
    ),
)
"""Every setting but the key, in the order ``pytest --help`` shows them."""


def convert(option: Option, source: str, raw: Any, root: Path) -> Any:
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
    """Strictly private: what should have been written."""


def _flag(_: Option, text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if text.lower() not in words:
        raise _Expected("true or false")
    return words[text.lower()]


def _choice(option: Option, text: str) -> str:
    if text not in option.choices:
        raise _Expected("one of " + ", ".join(option.choices))
    return text


def _account(_: Option, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?", text):
        raise _Expected("the account's name: letters, digits, and . _ - within")
    return text


def _integer(_: Option, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise _Expected("a whole number, 0 or more")
    return int(text)


def _duration(_: Option, text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text) or float(text) == 0:
        raise _Expected("a number over 0, such as 30")
    return float(text)


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
    paths = tuple(root / Path(text).expanduser() for text in texts)
    if option.field == "reports" and any(path.suffix not in (".html", ".json") for path in paths):
        raise _Expected("a file name that ends in .html or .json")
    return paths if option.kind == "paths" else paths[0]


_CONVERTERS: Final[Mapping[Kind, Callable[[Option, str], Any]]] = {
    "flag": _flag,
    "choice": _choice,
    "account": _account,
    "integer": _integer,
    "duration": _duration,
    "url": _url,
}
