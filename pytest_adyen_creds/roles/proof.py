"""The proof: a suite passes in the sandbox with the roles that it needs, and fails with each of them taken away."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pytest_adyen_creds.errors import AdyenCredsError
from pytest_adyen_creds.options import BARE
from pytest_adyen_creds.roles.observed import Need, RolesSeen
from pytest_adyen_creds.text import some_of

_SHOWN: Final = 3
_IN_SANDBOX: Final = (
    "--adyen-backend=sandbox",
    "--adyen-roles=report",
    "--adyen-record=none",
    "-o",
    "adyen_live=false",
    "-o",
    "adyen_pause=false",
    "-o",
    "adyen_rehearse=false",
    "--adyen-rehearse=off",
    "--color=no",
)
"""What each of the runs is given last, whatever the ini file says: none of them proves something in turn."""
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) ([^\[\n]+?|[^\[\n]+?\[.*?\])(?: - |$)", re.MULTILINE)
"""In pytest's short summary, the test: parameters can have dashes, such as those of roles."""

Run = Callable[[Sequence[str]], "Ran"]


class ProofError(AdyenCredsError):
    """The suite could not be run, so that nothing is proven; the message says why."""


@dataclass(frozen=True)
class Ran:
    """What came of one run of pytest: its exit status, and the tests that failed."""

    status: int
    failed: tuple[str, ...]


@dataclass(frozen=True)
class Proof:
    """What came of the runs: with exactly the needed ``roles``, and with each of them taken away."""

    roles: tuple[str, ...]
    exact: Ran
    without: Mapping[str, Ran]
    left_out: tuple[str, ...] = ()
    """The tests that are refused something as they are, and meant to be: with other roles they say nothing."""

    @property
    def holds(self) -> bool:
        """Whether the set passed, and each set less one role failed."""
        return self.exact.status == 0 and all(ran.status == 1 for ran in self.without.values())

    def lines(self) -> Iterable[str]:
        """Yield what came of it, line by line."""
        number = f"{len(self.roles)} roles" if len(self.roles) > _SHOWN else ", ".join(self.roles)
        if self.exact.status == 0:
            yield f"proven   with exactly {number} the suite passes in the sandbox"
        else:
            yield f"refuted  with exactly {number} the suite fails in the sandbox: {_few(self.exact)}"
        for role, ran in self.without.items():
            if ran.status == 1:
                yield f"proven   without {role}: {_few(ran)}"
            else:
                why = "passes all the same" if ran.status == 0 else f"could not run (status {ran.status})"
                yield f"refuted  without {role} the suite {why}"
        if self.left_out:
            yield f"left out of the proof, as something is refused where it passes: {some_of(self.left_out, _SHOWN)}"


def _few(ran: Ran) -> str:
    return f"{len(ran.failed)} failed ({some_of(ran.failed, _SHOWN)})" if ran.failed else "no test of its own failed"


def prove(arguments: Sequence[str], run: Run | None = None) -> tuple[Proof, Need]:
    """Run pytest with ``arguments`` in the sandbox: as it is, with the roles that leases need, and without each.

    Raises :class:`ProofError` where the suite does not pass in the sandbox as it is, or leases nothing.
    """
    run = run or run_pytest
    given = ["-p", "no:cacheprovider", *_kept(arguments), *_IN_SANDBOX]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "roles.json")
        first = run([*given, f"--adyen-report={report}"])
        if first.status != 0 or not report.is_file():
            raise ProofError(
                f"the suite does not pass in the sandbox as it is (status {first.status}), so nothing can be proven: "
                f"{_few(first)}; mend it, or name the tests that pass"
            )
        seen = RolesSeen()
        seen.merge(json.loads(report.read_text(encoding="utf-8"))["roles"])
    left_out = tuple(sorted({use.test for use in seen.uses if use.refused and use.credential in seen.granted}))
    need = Need(seen)
    kept = Counter({use: count for use, count in seen.uses.items() if use.test not in left_out})
    roles = Need(replace(seen, uses=kept)).of_leases
    if not roles:
        raise ProofError("no test leases a credential that needs a role, so there is nothing to prove")

    def less(ran: Ran) -> Ran:
        failed = tuple(test for test in ran.failed if test not in left_out)
        return Ran(0 if ran.status == 1 and ran.failed and not failed else ran.status, failed)

    exact = less(run([*given, *_with(roles)]))
    without = {role: less(run([*given, *_with([each for each in roles if each != role])])) for role in roles}
    return Proof(roles, exact, without, left_out), need


def _with(roles: Iterable[str]) -> list[str]:
    return ["-o", "adyen_roles_given=" + "\n".join(roles or ["-"])]


def _kept(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a run less those that have it report, record or ask a server."""
    others = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("report", "record", "backend", "base-url", "roles", "rehearse", "rehearse-fail", "rehearse-only"):
        others.add_argument(f"--adyen-{name}")
    others.add_argument("--junitxml", "--junit-xml")
    others.add_argument("--adyen-live", "--adyen-pause", action="store_true")
    return others.parse_known_args([f"{each}=" if each in BARE else each for each in arguments])[1]


def run_pytest(arguments: Sequence[str]) -> Ran:
    """Run pytest in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_CURRENT")}
    done = subprocess.run(  # noqa: S603 - the user's own pytest, with the user's own arguments
        [sys.executable, "-m", "pytest", "-q", "-rfE", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, tuple(_FAILED.findall(done.stdout)))


def proof_json(proof: Proof) -> dict[str, Any]:
    """Return what came of it as a JSON object."""
    return {
        "roles": list(proof.roles),
        "holds": proof.holds,
        "left_out": list(proof.left_out),
        "lines": list(proof.lines()),
        "exact": {"status": proof.exact.status, "failed": list(proof.exact.failed)},
        "without": {role: {"status": ran.status, "failed": list(ran.failed)} for role, ran in proof.without.items()},
    }
