"""Provisioning over an embedded sandbox, while clocks, answers and other runs interfere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pytest_adyen_creds.credentials import tag
from pytest_adyen_creds.credentials.backend import SandboxClock
from pytest_adyen_creds.credentials.claiming import ON_LOOPBACK
from pytest_adyen_creds.credentials.provisioning import Provisioner
from pytest_adyen_creds.credentials.recovery import Recovery
from pytest_adyen_creds.errors import CredentialError
from pytest_adyen_creds.management import Budget, ManagementClient, Ownership
from pytest_adyen_creds.sandbox import Sandbox

COMPANY = ("company", "TestCompany")


class Account:
    """A sandbox, and runs over it as they are over a live server."""

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self.clock = SandboxClock(self.sandbox)

    def run(self, clock: SandboxClock | None = None, **arguments) -> Provisioner:
        ownership = Ownership(Budget(5), provisioning=[self.sandbox.provisioning.api_key])
        clock = clock or self.clock
        return Provisioner(
            self.client(ownership, clock),
            "TestCompany",
            "TestMerchant",
            tag.new_run(),
            clock,
            timing=ON_LOOPBACK,
            **arguments,
        )

    def client(self, ownership: Ownership, clock: SandboxClock | None = None) -> ManagementClient:
        return ManagementClient(
            "https://management-test.adyen.com/v3",
            api_key=self.sandbox.provisioning.api_key,
            transport=self.sandbox.transport(),
            ownership=ownership,
            clock=clock or self.clock,
        )

    def body(self, credential_id: str) -> dict:
        with self.client(Ownership(0)) as client:
            return client.company("TestCompany").get(credential_id)

    def free_one(self) -> str:
        run = self.run()
        made = run.create(*COMPANY)
        run.switch_off(made)
        return made.id

    def sweep(self, clock: SandboxClock | None = None) -> list[str]:
        with self.client(Ownership(0)) as client:
            found = Recovery(client, [client.company("TestCompany")], clock or self.clock).sweep(())[0]
        return [item.id for item in found]


@pytest.fixture
def account() -> Account:
    return Account()


def any_one(credential_id: str) -> bool:
    return True


class Off(SandboxClock):
    """A machine's clock that is off."""

    def __init__(self, sandbox: Sandbox, **off: float) -> None:
        super().__init__(sandbox)
        self.off = timedelta(**off)

    def now(self):
        return super().now() + self.off


def test_a_claim_whose_first_read_is_answered_late_does_not_write(account, monkeypatch):
    free = account.free_one()
    one, other = account.run(), account.run()
    resource = other.resource(*COMPANY)
    read = resource.get
    taken = []

    def late(credential_id, **arguments):
        body = read(credential_id, **arguments)
        if not taken:  # the server has read, and another run is through before the answer comes
            taken.append(one.recycle(*COMPANY, any_one))
        return body

    monkeypatch.setattr(resource, "get", late)
    assert other.claim(resource, free) is False
    assert taken[0].id == free
    assert tag.parse(account.body(free)["description"]).run == one.run


def test_a_throwaway_with_another_runs_tag_is_left_alone(account):
    # as a claim leaves it whose write took longer than any bound
    run = account.run()
    made = run.create(*COMPANY)
    stray = tag.make("00000000", account.clock.now() + timedelta(minutes=10))
    with account.client(Ownership.sandbox()) as client:
        body = client.company("TestCompany").update(made.id, {"description": stray})
    made.credential = made.credential.updated(body)
    for act in (run.reset, run.switch_off):
        with pytest.raises(CredentialError, match="taken over by another run"):
            act(made)
    assert account.body(made.id)["description"] == stray


def test_two_machines_whose_clocks_are_off_never_hold_one_throwaway(account):
    # each within what the preflight lets pass
    behind, ahead = (Off(account.sandbox, minutes=minutes) for minutes in (-4.5, 4.5))
    one = account.run(behind)
    made = one.create(*COMPANY)
    account.sandbox.clock.advance(minutes=116)
    assert account.sweep(ahead) == [made.id]
    other = account.run(ahead)
    assert other.recycle(*COMPANY, any_one).id == made.id
    with pytest.raises(CredentialError, match="taken over by another run"):
        one.reset(made)
    assert tag.parse(account.body(made.id)["description"]).run == other.run
