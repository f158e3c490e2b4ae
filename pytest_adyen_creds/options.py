"""The options: what each setting is called on the command line, in the ini file and in the environment."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

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
    Option(
        "strict",
        "flag",
        False,
        "judge by the published document alone: known deviations count, too",
        "--adyen-strict",
        "adyen_strict",
    ),
    Option(
        "keep_environment",
        "flag",
        False,
        "leave the provisioning key in the environment of the tests; it is masked all the same",
        ini="adyen_keep_environment",
    ),
    Option(
        "audit",
        "flag",
        False,
        "guard the socket by Python's audit events, too: nothing in Python goes past them; a busy run gets slower",
        ini="adyen_audit",
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
