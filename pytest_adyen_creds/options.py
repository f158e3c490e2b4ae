"""The options: what each setting is called on the command line, in the ini file and in the environment."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

Kind = Literal[
    "choice", "flag", "integer", "duration", "path", "paths", "account", "url", "kinds", "text", "budget", "lines"
]


_METAVARS: Final = {"url": "URL", "integer": "N", "path": "FILE", "paths": "FILE", "kinds": "KINDS", "text": "ID"}


class Option(NamedTuple):
    """One setting and where it may be given: in the ini file, on the command line, in the environment.

    All three call it the same: ``adyen_base_url``, ``--adyen-base-url``, ``ADYEN_BASE_URL``.
    """

    field: str
    """The attribute of :class:`Settings`, which has the default."""
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()
    has_flag: bool = True
    has_variable: bool = False
    called: str = ""
    """What it is called where that is not the field."""
    called_in_ini: str = ""
    """What the ini file calls it where that is something else again."""

    @property
    def dest(self) -> str | None:
        """What the command line hands it over as; None without a flag."""
        return f"adyen_{self.called or self.field}" if self.has_flag else None

    @property
    def flag(self) -> str | None:
        """The option of the command line."""
        return self.dest and f"--{self.dest.replace('_', '-')}"

    @property
    def ini(self) -> str:
        """What the ini file calls it."""
        return self.called_in_ini or f"adyen_{self.called or self.field}"

    @property
    def env(self) -> str | None:
        """The variable of the environment."""
        return self.ini.upper() if self.has_variable else None

    @property
    def metavar(self) -> str | None:
        """What ``--help`` calls the flag's value, where it has one and no choices."""
        return _METAVARS.get(self.kind)


OPTIONS: Final = (
    Option("live", "flag", "short for --adyen-backend=live: Adyen's test endpoint"),
    Option(
        "backend",
        "choice",
        "where requests go; auto: a test's cassette if it has one, else the sandbox",
        ("auto", "replay", "sandbox", "live"),
    ),
    Option("record", "choice", "write cassettes from the backend in use (sandbox or live)", ("none", "missing", "all")),
    Option(
        "run_contracts",
        "flag",
        "add the bundled contract suite to this run",
        called="contracts",
        called_in_ini="adyen_contracts_run",
    ),
    Option("api_version", "choice", "which contract and endpoint", ("v3", "v1"), has_variable=True),
    Option(
        "base_url",
        "url",
        "another server: loopback, or a test host of Adyen; all else is refused",
        has_variable=True,
    ),
    Option("max_created", "integer", "live: at most N credentials created in a run; they can never be deleted"),
    Option("drift", "choice", "what drift does to the exit status", ("report", "fail-breaking", "fail")),
    Option("drift_baseline", "path", "accepted drift (TOML)"),
    Option(
        "reports",
        "paths",
        "write a report in the form that its suffix names, such as .html, .json or .sarif; may be repeated",
        called="report",
    ),
    Option("strict", "flag", "judge by the published document alone: known deviations count, too"),
    Option(
        "rehearse",
        "kinds",
        "run tests again under what may be answered tomorrow: additions, removals, history, rotation, failures; bare: "
        "additions,history",
        ("additions", "removals", "history", "rotation", "failures"),
    ),
    Option("rehearse_fail", "choice", "which verdicts of a rehearsal fail a test", ("none", "must-survive", "all")),
    Option(
        "rehearse_only",
        "text",
        "run each test with the one thing otherwise that a rehearsal named; it fails, and stops, as any test does",
    ),
    Option("rehearse_max", "budget", "at most so many runs of one test, and of all: 24/2400", has_flag=False),
    Option(
        "roles",
        "choice",
        "which roles the suite needs, and which it has for nothing: report it, fail for those, write adyen-roles.toml, "
        "or prove it in the sandbox; bare: report",
        ("report", "fail", "write", "prove"),
    ),
    Option(
        "roles_given",
        "lines",
        "credentials are leased with exactly these roles, one a line, whatever tests ask for: what roles prove does",
        has_flag=False,
    ),
    Option(
        "keep_environment",
        "flag",
        "leave the provisioning key in the environment of the tests; it is masked all the same",
        has_flag=False,
    ),
    Option(
        "mask_written",
        "flag",
        "when the run ends, look for secrets in every file below its folder that was written meanwhile, and mask them",
        has_flag=False,
    ),
    Option(
        "audit",
        "flag",
        "guard the socket by Python's audit events, too, for what goes past socket.socket; a busy run gets slower",
        has_flag=False,
    ),
    Option(
        "pause",
        "flag",
        "keep the sandbox of a failed test open at a URL until Enter is pressed; in a terminal, without workers",
    ),
    Option(
        "contracts",
        "path",
        "a folder of contracts: of other APIs (API/VERSION, as contract import writes them), or your own of the "
        "credentials, laid out like the bundled ones",
        has_flag=False,
    ),
    Option("cassettes", "path", "a directory of the contract suite's cassettes", has_flag=False),
    Option("ready_timeout", "duration", "seconds to wait until a new key answers 200", has_flag=False),
    Option("cassette_max_age", "duration", "days after which a cassette is stale", has_flag=False),
    Option(
        "company",
        "account",
        "the company account",
        has_flag=False,
        has_variable=True,
        called="company_account",
    ),
    Option(
        "merchant",
        "account",
        "the merchant account",
        has_flag=False,
        has_variable=True,
        called="merchant_account",
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
