"""Throwaways: what a process of the run has to lease them, use them, and give them back."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Protocol

from pytest_adyen_creds.client import Budget, Retries, tag
from pytest_adyen_creds.credentials.credential import Credential, Rotation
from pytest_adyen_creds.credentials.ending import SWEEP, Deadline, Left
from pytest_adyen_creds.credentials.forking import OneProcess
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.provisioning import Provisioner
from pytest_adyen_creds.credentials.readiness import Progress
from pytest_adyen_creds.credentials.roles import Preset
from pytest_adyen_creds.credentials.spec import Spec, adyen_credential
from pytest_adyen_creds.errors import AdyenCredsError, CredentialError

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.backend import Backend


class Lender(Protocol):
    """Who leases throwaways out: the pool itself, or the way to the process that has it."""

    def lease(self, spec: Spec, holder: str = ..., progress: Progress = ...) -> Credential:
        """Return a throwaway on lease."""
        ...

    def give_back(self, credential_id: str, holder: str = ..., credential: Credential | None = ...) -> None:
        """Take one back."""
        ...


class Throwaways(OneProcess):
    """One process's side of the pool: its rights, its clients, its leases.

    ``lender`` leases out; ``budget`` is the run's; ``run`` is the id in its tags. What a test itself creates with
    ``management`` is switched off by :meth:`close`.
    """

    def __init__(self, backend: Backend, lender: Lender, budget: Budget, run: str) -> None:
        super().__init__()
        self.backend = backend
        self.run = run
        self.ownership = backend.ownership(budget)
        self.management = backend.management(self.ownership, for_tests=True)
        self.switched_off: set[str] = set()
        """The ids of what tests created by themselves and is switched off again."""
        self._lender = lender
        self._provisioner = Provisioner(
            self.management, backend.company, backend.merchant, run, backend.clock, timing=backend.timing
        )

    def lease(self, spec: Spec, progress: Progress = lambda text: None) -> Credential:
        """Return a throwaway on lease to this process; its secrets and its right to be changed come with it."""
        if self.backend.sandbox is None:
            self.check_process()
        credential = self._lender.lease(spec, progress=progress)
        if self.ownership.halted is None:
            self.ownership.lease(
                credential.id, credential.description, username=credential.username, api_key=credential.api_key
            )
        return credential

    def give_back(self, credential: Credential) -> None:
        """Give a lease back; the throwaway is reset, and this process may no longer change it."""
        if self.backend.sandbox is None and self.is_forked:
            return  # the process that it was forked from still has it
        self.ownership.release(credential.id)
        # faults are a test's own; what puts its throwaway right again is not to meet them
        with nullcontext() if self.backend.sandbox is None else self.backend.sandbox.faults.set_aside():
            self._lender.give_back(credential.id, credential=credential)

    def rotate(self, credential: Credential, progress: Progress = lambda text: None) -> Rotation:
        """Return a leased credential with a new API key that works, and when the old one dies.

        ``progress`` gets a line now and then while the new key is waited for.
        """
        is_waited_for = self.backend.sandbox is None
        provisioner = replace(self._provisioner, progress=progress) if is_waited_for else self._provisioner
        return provisioner.rotate(credential)

    def description(self) -> str:
        """Return a description that tags a credential as a throwaway of this run."""
        return tag.make(self.run, self.backend.clock.now() + tag.TIME_TO_LIVE)

    @property
    def active(self) -> tuple[str, ...]:
        """The ids of what tests created by themselves and is not known to be switched off."""
        return tuple(item for item in self.ownership.created if item not in self.switched_off)

    def switch_off(self, deadline: Deadline, retries: Retries) -> list[Left]:
        """Switch off what tests created by themselves, by ``deadline``; return what may still be active, and why.

        May be called again for what is left. What tests did with their own client does not matter: this is another.
        """
        if not self.active:
            return []
        left = []
        with self.backend.management(self.ownership) as client:
            client.retries = retries
            for credential_id in self.active:
                level, account = self.ownership.made_at(credential_id) or ("company", self.backend.company)
                resource = client.company(account) if level == "company" else client.merchant(account)
                now = self.backend.clock.now()
                what = f"credential {credential_id}, which a test created, could not be switched off"
                try:
                    if deadline.is_over:
                        raise CredentialError(f"the {deadline.seconds:.0f} s that the end of a run may take were over")
                    resource.update(credential_id, {"active": False, "description": tag.released(self.run, now)})
                    self.switched_off.add(credential_id)
                except AdyenCredsError as error:
                    left.append(Left(credential_id, f"{what}: {error}; {SWEEP}"))
                except Exception as error:  # noqa: BLE001 - whatever it is, the others are to be switched off all the same
                    left.append(Left(credential_id, f"{what}: {type(error).__name__}: {error}; {SWEEP}"))
        return left

    def close(self) -> list[Left]:
        """Switch off what tests created by themselves, and close their client; return what may still be active."""
        self.management.close()
        return self.switch_off(Deadline(), Retries())


def embedded(backend: Backend) -> Throwaways:
    """Return the throwaways of an embedded sandbox, with a pool of their own that nothing outlives."""
    if backend.sandbox is None:
        raise CredentialError("throwaways of a server outlive the process; only a live session may lease them")
    run, unlimited = tag.new_run(), Budget(sys.maxsize)
    client = backend.management(backend.ownership(unlimited))
    provisioner = Provisioner(client, backend.company, backend.merchant, run, backend.clock)
    pool = Pool(provisioner, sys.maxsize, background=False, recycling=False)
    return Throwaways(backend, pool, unlimited, run)


class Leases:
    """What the fixture ``adyen_credentials`` gives a test: leases, given back at its end."""

    def __init__(self, throwaways: Throwaways, progress: Progress) -> None:
        self._throwaways = throwaways
        self._progress = progress
        self._held: dict[str, Credential] = {}

    def lease(
        self,
        level: Literal["company", "merchant"] = "company",
        *,
        roles: Iterable[str] = (),
        preset: Preset | None = None,
        origins: Iterable[str] = (),
        merchants: Iterable[str] = (),
        fresh: bool = False,
    ) -> Credential:
        """Return a throwaway on lease until the test ends; the arguments are those of the marker adyen_credential."""
        return self.lease_as(
            adyen_credential(level, roles=roles, preset=preset, origins=origins, merchants=merchants, fresh=fresh)
        )

    def lease_as(self, spec: Spec) -> Credential:
        """Return a throwaway on lease that is as ``spec`` says."""
        credential = replace(self._throwaways.lease(spec, self._progress), rotator=self._rotate)
        self._held[credential.id] = credential
        return credential

    def give_back(self, credential: Credential) -> None:
        """Give a lease back before the test ends; a credential that is not on lease is left alone."""
        held = self._held.pop(credential.id, None)
        if held is not None:
            self._throwaways.give_back(held)

    def description(self) -> str:
        """Return a description that tags a credential as a throwaway of this run, for one that a test creates."""
        return self._throwaways.description()

    def close(self) -> None:
        """Give all leases back; raises the first :class:`AdyenCredsError` after trying each."""
        problems: list[AdyenCredsError] = []
        for credential in list(self._held.values()):
            try:
                self.give_back(credential)
            except AdyenCredsError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def _rotate(self, credential: Credential) -> Rotation:
        if credential.id not in self._held:
            raise CredentialError(f"{credential.username} was given back; lease one to change its key")
        rotation = self._throwaways.rotate(credential, self._progress)
        self._held[credential.id] = rotation.credential
        return rotation
