"""Leases: what a process of the run has to lease throwaways, use them, and give them back."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Literal, Protocol

from pytest_adyen_creds.client import Budget, Retries, tag
from pytest_adyen_creds.client.transports import PLUGINS_OWN, marked
from pytest_adyen_creds.credentials.backend import Backend
from pytest_adyen_creds.credentials.credential import Credential, Rotation, ShownCredential
from pytest_adyen_creds.credentials.fork_guard import ForkGuard
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.provisioning import Provisioner, Report, ignore
from pytest_adyen_creds.credentials.roles import NO_MANAGEMENT_ROLE, Preset
from pytest_adyen_creds.credentials.shutdown import UNTAGGED, Deadline, deactivate, switch_off_each
from pytest_adyen_creds.credentials.spec import Spec, adyen_credential
from pytest_adyen_creds.errors import AdyenCredsError, CredentialError


class Lender(Protocol):
    """Who leases throwaways out: the pool, a worker's way to it, or a recording."""

    def lease(self, spec: Spec, holder: str = ..., report: Report = ...) -> Credential:
        """Return a throwaway on lease."""

    def give_back(self, credential_id: str, holder: str = ..., credential: Credential | None = ...) -> None:
        """Take one back."""


class Lent(Protocol):
    """What takes note of the credentials that a test is lent."""

    def lend(self, credential: Credential, spec: Spec | None = None) -> Credential:
        """Return a credential as the test is to see it; ``spec`` is what it asked for, None where its key changed."""


class LeaseClient(ForkGuard):
    """One process's side of the pool: its rights, its clients, its leases.

    ``lender`` leases out; ``budget`` is the run's; ``run`` is the id in its tags. What a test itself creates with
    ``management`` is switched off by :meth:`switch_off`.
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
        self._provisioner = Provisioner(self.management, backend, run)

    def lease(self, spec: Spec, report: Report = ignore) -> Credential:
        """Return a throwaway on lease to this process; its secrets and its right to be changed come with it."""
        if self.backend.sandbox is None:
            self.check_process()
        credential = self._lender.lease(spec, report=report)
        if self.ownership.halted is None:
            self.ownership.lease(
                credential.id,
                credential.description,
                username=credential.username,
                api_key=credential.api_key,
                is_proven=False,  # a key that answers 403 is waited for no longer, and has not shown whose it is
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

    def rotate(self, credential: Credential, report: Report = ignore) -> Rotation:
        """Return a leased credential with a new API key that works, and when the old one dies.

        ``report`` gets a line now and then while the new key is waited for.
        """
        with marked(PLUGINS_OWN):
            return Rotation(*self._provisioner.with_new_key(credential, report))

    def description(self) -> str:
        """Return a description that tags a credential as a throwaway of this run."""
        return tag.make(self.run, self.backend.clock.now() + tag.TIME_TO_LIVE)

    @property
    def active(self) -> tuple[str, ...]:
        """The ids of what tests created by themselves and is not known to be switched off."""
        return tuple(item for item in self.ownership.created if item not in self.switched_off)

    def switch_off(self, deadline: Deadline, retries: Retries) -> dict[str, str]:
        """Switch off what tests created by themselves, by ``deadline``; return the ids of what is left, and why.

        May be called again for what is left. What tests did with their own client does not matter: this is another.
        """
        with self.backend.management(self.ownership) as client:
            client.retries = retries

            def switch_off(credential_id: str) -> None:
                place = self.ownership.places.get(credential_id) or ("company", self.backend.company)
                resource = client.credentials_at(*place)
                if tag.run_of(resource.get(credential_id).get("description")) != self.run:
                    raise CredentialError(UNTAGGED)
                deactivate(resource, credential_id, {"description": tag.released(self.run, self.backend.clock.now())})
                self.switched_off.add(credential_id)

            return switch_off_each(self.active, switch_off, deadline, "credential {}, which a test created,")


def embedded(backend: Backend) -> LeaseClient:
    """Return the lease client of an embedded sandbox, with a pool of its own that nothing outlives."""
    assert backend.sandbox is not None  # throwaways of a server outlive the process
    area = backend.sandbox.customer_area

    def is_as_known(credential: ShownCredential) -> bool:
        """Tell whether no key was made since, and nothing was done by hand that the API cannot undo."""
        there = area.credential(credential.id)
        kept = (there.api_keys[-1].kept, credential.api_key), (there.password, credential.password)
        return all(secret is None or last.is_of(secret.reveal()) for last, secret in kept) and not there.allowed_ips

    run, unlimited = tag.new_run(), Budget(sys.maxsize)
    client = backend.management(backend.ownership(unlimited))
    provisioner = Provisioner(client, backend, run)
    pool = Pool(provisioner, sys.maxsize, background=False, is_as_known=is_as_known)
    return LeaseClient(backend, pool, unlimited, run)


class Leases:
    """What the fixture ``adyen_credentials`` gives a test: leases, given back at its end.

    ``layers`` say how the test is to see a credential; with ``roles`` it has these, whatever is asked for.
    """

    def __init__(
        self, client: LeaseClient, report: Report, layers: Sequence[Lent] = (), roles: tuple[str, ...] | None = None
    ) -> None:
        self._client = client
        self._report = report
        self._layers = layers
        self._roles = roles
        self._held: dict[str, Credential] = {}
        """What is on lease, by the id that the test sees."""

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
        if self._roles is not None:
            spec = replace(spec, roles=self._roles or (NO_MANAGEMENT_ROLE,))
        return self._hold(replace(self._client.lease(spec, self._report), rotator=self._rotate), spec)

    def _hold(self, credential: Credential, spec: Spec | None = None) -> Credential:
        shown = credential
        for layer in self._layers:
            shown = layer.lend(shown, spec)
        self._held[shown.id] = credential
        return shown

    def give_back(self, credential: Credential) -> None:
        """Give a lease back before the test ends; a credential that is not on lease is left alone."""
        held = self._held.pop(credential.id, None)
        if held is not None:
            self._client.give_back(held)

    def description(self) -> str:
        """Return a description that tags a credential as a throwaway of this run, for one that a test creates."""
        return self._client.description()

    def close(self) -> None:
        """Give all leases back; raises the first :class:`AdyenCredsError` after trying each."""
        problems: list[AdyenCredsError] = []
        for shown_id in list(self._held):
            try:
                self._client.give_back(self._held.pop(shown_id))
            except AdyenCredsError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def _rotate(self, credential: Credential) -> Rotation:
        held = self._held.get(credential.id)
        if held is None:
            raise CredentialError(f"{credential.username} was given back; lease one to change its key")
        rotation = self._client.rotate(held, self._report)
        return rotation._replace(credential=self._hold(rotation.credential))
