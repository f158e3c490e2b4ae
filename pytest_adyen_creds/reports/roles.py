"""The roles that a suite needs, in text: which, for what, and what is granted for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds.contract.baseline import Subject
from pytest_adyen_creds.roles.observed import Need
from pytest_adyen_creds.secrets import mask_text
from pytest_adyen_creds.text import counted, plain, printed

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.results import Results

UNUSED: Final = "role-unused"
FINDINGS: Final = {UNUSED: "a credential was given a role that nothing needed"}
"""The ids of what is wrong with roles, and what each means."""


def unaccepted(results: Results, need: Need) -> list[tuple[str, str]]:
    """Return each credential with a role that it does not need, less those that the baseline accepts."""
    subjects = {each: Subject(UNUSED, "", None, *each) for each in need.unused}
    return [each for each, of in subjects.items() if results.baseline.accepting(of, results.today) is None]


def fails(results: Results) -> bool:
    """Return whether ``--adyen-roles=fail`` fails this run."""
    return results.settings.roles == "fail" and bool(unaccepted(results, Need(results.roles)))


def prove(results: Results, arguments: Sequence[str]) -> bool:
    """Prove which roles are needed by running pytest with ``arguments`` again; return whether it is proven."""
    from pytest_adyen_creds.roles.proof import ProofError, proof_json
    from pytest_adyen_creds.roles.proof import prove as run_all

    try:
        proof, _ = run_all(arguments)
    except ProofError as error:
        results.problems.append(plain(mask_text(str(error))))
        return False
    results.proof = proof_json(proof)
    return proof.holds


def roles_lines(results: Results, *, verbosity: int = 0) -> Iterator[str]:
    """Yield what the tests of a run need."""
    need = Need(results.roles)
    counting = unaccepted(results, need)
    yield from map(printed, need.lines(counting, verbosity=verbosity))
    if results.proof is not None:
        yield from map(printed, results.proof["lines"])
    if accepted := len(need.unused) - len(counting):
        yield f"{counted(accepted, 'role')} granted for nothing accepted by the baseline"
    if fails(results):
        yield f"roles fail this run (--adyen-roles=fail): {counted(len(counting), 'role')} granted for nothing"
