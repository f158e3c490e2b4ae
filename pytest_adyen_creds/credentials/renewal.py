"""Renewal: the tags of what a long run holds are written anew before they expire."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.gate import Gate
    from pytest_adyen_creds.credentials.provisioning import Provisioner
    from pytest_adyen_creds.credentials.readiness import Progress
    from pytest_adyen_creds.credentials.throwaway import Throwaway

RENEWAL: Final = 600.0
"""Seconds between two looks at which tags are to be renewed."""


def renew_until(
    gate: Gate,
    held: Callable[[], Iterable[Throwaway]],
    provisioner: Provisioner,
    say: Progress,
) -> None:
    """Renew the tags of what ``held`` returns every :data:`RENEWAL` seconds, until ``gate`` is shut.

    ``say`` gets what went wrong; the next look tries again.
    """
    while not gate.is_shut.wait(RENEWAL):
        for throwaway in held():
            with gate.passing(throwaway.id) as may:
                try:
                    if may:
                        provisioner.renew(throwaway)
                except Exception as error:  # noqa: BLE001 - whatever it is, the other tags are to be renewed all the same
                    say(f"the tag of throwaway {throwaway.id} could not be renewed: {error}")
