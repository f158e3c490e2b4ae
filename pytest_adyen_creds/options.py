"""The options: what each setting is called on the command line, in the ini file and in the environment."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

Kind = Literal[
    "choice", "flag", "integer", "duration", "path", "paths", "account", "url", "kinds", "text", "budget", "lines"
]


_METAVARS: Final = {"url": "URL", "integer": "N", "path": "FILE", "paths": "FILE", "kinds": "KINDS", "text": "ID"}


class Option(NamedTuple):
    """One setting and where it may be given: on the command line, in the ini file, in the environment."""

    field: str
    """The attribute of :class:`Settings`."""
    kind: Kind
    default: Any
    help: str
    flag: str | None = None
    name: str | None = None
    """What the ini file calls it, where that is not the flag's :attr:`dest`."""
    env: str | None = None
    choices: tuple[str, ...] = ()

    @property
    def dest(self) -> str | None:
        """The flag with underscores (``adyen_base_url``), as the command line hands it over; None without a flag."""
        return self.flag and self.flag.lstrip("-").replace("-", "_")

    @property
    def ini(self) -> str | None:
        """What the ini file calls it."""
        return self.name or self.dest

    @property
    def metavar(self) -> str | None:
        """What ``--help`` calls the flag's value, where it has one and no choices."""
        return _METAVARS.get(self.kind)


OPTIONS: Final = (
    Option("live", "flag", False, "short for --adyen-backend=live: Adyen's test endpoint", "--adyen-live"),
    Option(
        "backend",
        "choice",
        "auto",
        "where requests go; auto: a test's cassette if it has one, else the sandbox",
        "--adyen-backend",
        choices=("auto", "replay", "sandbox", "live"),
    ),
    Option(
        "record",
        "choice",
        "none",
        "write cassettes from the backend in use (sandbox or live)",
        "--adyen-record",
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
        env="ADYEN_API_VERSION",
        choices=("v3", "v1"),
    ),
    Option(
        "base_url",
        "url",
        None,
        "another server: loopback, or a test host of Adyen; all else is refused",
        "--adyen-base-url",
        env="ADYEN_BASE_URL",
    ),
    Option(
        "max_created",
        "integer",
        5,
        "live: at most N credentials created in a run; they can never be deleted",
        "--adyen-max-created",
    ),
    Option(
        "drift",
        "choice",
        "report",
        "what drift does to the exit status",
        "--adyen-drift",
        choices=("report", "fail-breaking", "fail"),
    ),
    Option("drift_baseline", "path", None, "accepted drift (TOML)", "--adyen-drift-baseline"),
    Option(
        "reports",
        "paths",
        (),
        "write a report in the form that its suffix names, such as .html, .json or .sarif; may be repeated",
        "--adyen-report",
    ),
    Option(
        "strict", "flag", False, "judge by the published document alone: known deviations count, too", "--adyen-strict"
    ),
    Option(
        "rehearse",
        "kinds",
        (),
        "run tests again under what may be answered tomorrow: additions, removals, history, rotation, failures; bare: "
        "additions,history",
        "--adyen-rehearse",
        choices=("additions", "removals", "history", "rotation", "failures"),
    ),
    Option(
        "rehearse_fail",
        "choice",
        "none",
        "which verdicts of a rehearsal fail a test",
        "--adyen-rehearse-fail",
        choices=("none", "must-survive", "all"),
    ),
    Option(
        "rehearse_only",
        "text",
        None,
        "run each test with the one thing otherwise that a rehearsal named; it fails, and stops, as any test does",
        "--adyen-rehearse-only",
    ),
    Option(
        "rehearse_max",
        "budget",
        (24, 2400),
        "at most so many runs of one test, and of all: 24/2400",
        name="adyen_rehearse_max",
    ),
    Option(
        "roles",
        "choice",
        None,
        "which roles the suite needs, and which it has for nothing: report it, fail for those, write adyen-roles.toml, "
        "or prove it in the sandbox; bare: report",
        "--adyen-roles",
        choices=("report", "fail", "write", "prove"),
    ),
    Option(
        "roles_given",
        "lines",
        None,
        "credentials are leased with exactly these roles, one a line, whatever tests ask for: what roles prove does",
        name="adyen_roles_given",
    ),
    Option(
        "keep_environment",
        "flag",
        False,
        "leave the provisioning key in the environment of the tests; it is masked all the same",
        name="adyen_keep_environment",
    ),
    Option(
        "mask_written",
        "flag",
        False,
        "when the run ends, look for secrets in every file below its folder that was written meanwhile, and mask them",
        name="adyen_mask_written",
    ),
    Option(
        "audit",
        "flag",
        False,
        "guard the socket by Python's audit events, too, for what goes past socket.socket; a busy run gets slower",
        name="adyen_audit",
    ),
    Option(
        "pause",
        "flag",
        False,
        "keep the sandbox of a failed test open at a URL until Enter is pressed; in a terminal, without workers",
        "--adyen-pause",
    ),
    Option(
        "contracts",
        "path",
        None,
        "a folder of contracts: of other APIs (API/VERSION, as contract import writes them), or your own of the "
        "credentials, laid out like the bundled ones",
        name="adyen_contracts",
    ),
    Option("cassettes", "path", None, "a directory of the contract suite's cassettes", name="adyen_cassettes"),
    Option(
        "ready_timeout", "duration", 600.0, "seconds to wait until a new key answers 200", name="adyen_ready_timeout"
    ),
    Option("cassette_max_age", "duration", None, "days after which a cassette is stale", name="adyen_cassette_max_age"),
    Option(
        "company", "account", None, "the company account", name="adyen_company_account", env="ADYEN_COMPANY_ACCOUNT"
    ),
    Option(
        "merchant", "account", None, "the merchant account", name="adyen_merchant_account", env="ADYEN_MERCHANT_ACCOUNT"
    ),
)
"""Every setting but the key, in the order ``pytest --help`` shows them."""


STARTING: Final = {
    f"adyen_{name}"
    for name in ("live", "backend", "contracts", "drift", "drift_baseline", "report", "rehearse", "pause")
}
"""The ini options that concern a whole run, whether or not a test of it uses the plugin."""

MARKERS: Final = (
    "adyen_credential(level='company', roles=(), preset=None, origins=(), merchants=(), fresh=False): "
    "what the throwaway credential of this test must be; with level='merchant', merchants=[X] chooses the account.",
    "adyen_rehearse(expect={}, skip=[]): what of a rehearsal is meant in this test, and what is left out.",
    "adyen_contract: a test of the bundled contract suite.",
    "adyen_sequence(name): a test of one sequence of requests of the suite.",
)
"""The marks, as ``pytest --markers`` shows them."""

BARE: Final = {"--adyen-rehearse": "additions,history", "--adyen-roles": "report"}
"""The options that may be given without a value, and the one that is meant then."""


def is_true(raw: Any) -> bool:
    """Tell whether ``raw`` is a flag's way to say yes; what is no flag's word says no."""
    return str(raw).strip().lower() in ("true", "1", "yes", "on")
