"""Recycling: finding throwaways that earlier runs left switched off, and claiming one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds.client import ONCE, ManagementClient, tag
from pytest_adyen_creds.client.errors import explained
from pytest_adyen_creds.credentials import claiming
from pytest_adyen_creds.credentials.claiming import Register, Timing
from pytest_adyen_creds.errors import ApiError, OwnershipRefused

if TYPE_CHECKING:
    from pytest_adyen_creds.client import Clock, CredentialBody, Credentials
    from pytest_adyen_creds.credentials.journal import Journal

CLAIM_LASTS: Final = timedelta(minutes=10)
"""How long a claim that was given up keeps a throwaway from being claimed again."""

MOST_CLAIMS: Final = 3
"""Claims that are tried before a new throwaway is created instead."""


@dataclass(frozen=True)
class Claimant:
    """A run that claims; ``run`` is the id in its tags. What it has claimed, ``client`` holds a lease on."""

    client: ManagementClient
    run: str
    clock: Clock
    timing: Timing
    journal: Journal

    def candidates(self, resource: Credentials) -> list[str]:
        """Return the ids of the free throwaways of an account, in an order of this run's own."""
        with explained(f"the throwaways of {resource.account} could not be listed"):
            free = [body["id"] for body in resource.iterate() if self._is_candidate(resource, body)]
        # so that runs that start together rarely meet, not even where tests seed the common generator
        random.SystemRandom().shuffle(free)
        return free

    def _is_candidate(self, resource: Credentials, body: CredentialBody) -> bool:
        # a company's list shows what was made at its merchant accounts too; that stays limited to its account
        return (
            isinstance(body.get("id"), str)
            and not self.client.ownership.is_protected(body)
            and (resource.level == "merchant" or not body.get("associatedMerchantAccounts"))
            and claiming.is_free(Register.of(body), self.clock.now())
        )

    def claim(self, resource: Credentials, credential_id: str) -> bool:
        """Carry out one claim; return whether the throwaway is this run's. An answer that fails gives the claim up."""
        now = self.clock.now()
        own = tag.make(self.run, now + CLAIM_LASTS)
        steps = claiming.claim_steps(own, now, self.timing)
        answer: claiming.Answer = None
        self.journal.claiming(credential_id, resource.level, resource.account)
        started = self.clock.monotonic()
        is_ours = False
        try:
            while True:
                step, seconds = steps.send(answer)
                if step == "wait":
                    self.clock.sleep(seconds)
                    answer = None
                elif step == "read":
                    register = Register.of(resource.get(credential_id, retries=ONCE))
                    answer = register, self.clock.monotonic() - started
                    self.client.ownership.lease(credential_id, register.description)
                else:
                    resource.update(credential_id, {"description": own}, retries=ONCE, not_after=started + seconds)
                    answer = self.clock.monotonic() - started
        except StopIteration as end:
            is_ours = bool(end.value)
        except (ApiError, OwnershipRefused):
            pass
        finally:
            if not is_ours:
                self.client.ownership.release(credential_id)
        return is_ours
