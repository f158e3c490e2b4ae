"""The pool over an embedded sandbox: leases, resets, recycling, readiness; nothing sleeps."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from pytest_adyen_creds.credentials import tag
from pytest_adyen_creds.credentials.claiming import ON_LOOPBACK
from pytest_adyen_creds.credentials.clocks import SandboxClock
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.provisioning import NotReady, Provisioner
from pytest_adyen_creds.credentials.recovery import Recovery
from pytest_adyen_creds.credentials.spec import Spec, adyen_credential
from pytest_adyen_creds.errors import BudgetSpent, CredentialError
from pytest_adyen_creds.management import Budget, Credentials, ManagementClient, Ownership
from pytest_adyen_creds.sandbox import Clock, Sandbox

CREATE = "POST /companies/{companyId}/apiCredentials"


class Stage:
    """A sandbox and, over it, pools as runs of their own have them: with the ownership of a live server."""

    def __init__(self, **arguments) -> None:
        self.sandbox = Sandbox(**arguments)
        self.clock = SandboxClock(self.sandbox)

    def pool(self, *, budget: int = 5, size: int | None = None, background: bool = False, **arguments) -> Pool:
        key = self.sandbox.provisioning.api_key
        client = self.client(Ownership(Budget(budget), provisioning=[key]))
        provisioner = Provisioner(
            client, "TestCompany", "TestMerchant", tag.new_run(), self.clock, timing=ON_LOOPBACK, **arguments
        )
        return Pool(provisioner, size or budget, background=background)

    def client(self, ownership: Ownership) -> ManagementClient:
        return ManagementClient(
            "https://management-test.adyen.com/v3",
            api_key=self.sandbox.provisioning.api_key,
            transport=self.sandbox.transport(),
            ownership=ownership,
            clock=self.clock,
        )

    def bodies(self) -> dict[str, dict]:
        with self.client(Ownership(0)) as client:
            return {body["id"]: body for body in client.company("TestCompany").iterate()}

    def me(self, credential):
        with self.client(Ownership(0)) as client:
            return client.send("GET", "/me", auth=credential.key())

    def calls(self, operation: str) -> int:
        return sum(exchange.operation == operation for exchange in self.sandbox.app.journal)


@pytest.fixture
def stage():
    return Stage()


def test_a_lease_is_used_again_and_reset_in_between(stage):
    pool = stage.pool()
    first = pool.lease(adyen_credential(preset="read-only", origins=["https://a.example"], merchants=["TestMerchant"]))
    assert stage.me(first).status_code == 200
    assert first.merchants == ("TestMerchant",)
    with stage.client(Ownership.sandbox()) as client:
        client.company("TestCompany").update(first.id, {"active": False, "description": "mine now"})
    pool.give_back(first.id)
    body = stage.bodies()[first.id]
    assert body["active"]
    assert tag.parse(body["description"]).run == pool.provisioner.run
    assert body["roles"] == ["Management API - API credentials read and write"]
    assert not body.get("allowedOrigins")
    assert not body["associatedMerchantAccounts"]
    assert pool.lease(Spec()).id == first.id
    assert stage.calls(CREATE) == 1


def test_the_levels_have_throwaways_of_their_own(stage):
    pool = stage.pool()
    company, merchant = pool.lease(Spec()), pool.lease(Spec("merchant"))
    other = pool.lease(adyen_credential("merchant", merchants=["TestMerchantEU"]))
    assert len({company.id, merchant.id, other.id}) == 3
    assert (merchant.account, other.account) == ("TestMerchant", "TestMerchantEU")


def test_fresh_is_never_one_used_before(stage):
    pool = stage.pool()
    first = pool.lease(Spec())
    pool.give_back(first.id)
    assert pool.lease(Spec(fresh=True)).id != first.id


def test_at_the_end_everything_is_off_and_the_next_run_recycles_it(stage):
    pool = stage.pool()
    used = pool.lease(Spec())
    pool.lease(Spec("merchant"))
    assert pool.close() == []
    assert [body["active"] for id, body in stage.bodies().items() if id != stage.sandbox.provisioning.id] == [False] * 2
    assert stage.me(used).status_code == 401

    later = stage.pool(budget=0, size=5)
    again = later.lease(Spec())
    assert again.id == used.id
    assert again.key() != used.key()
    assert stage.me(again).status_code == 200
    assert later.lease(Spec("merchant")).level == "merchant"
    assert stage.calls(CREATE) == 1


@pytest.mark.parametrize("seconds", [0.1, 2.0])
def test_a_claim_whose_write_was_too_slow_is_given_up(stage, seconds, monkeypatch):
    earlier = stage.pool()
    used = earlier.lease(Spec())
    earlier.close()
    pool = stage.pool()
    update = Credentials.update

    def slowly(self, credential_id, changes, **options):
        if set(changes) == {"description"}:
            stage.sandbox.clock.advance(seconds=seconds)
        return update(self, credential_id, changes, **options)

    monkeypatch.setattr(Credentials, "update", slowly)
    assert (pool.lease(Spec()).id == used.id) is (seconds <= ON_LOOPBACK.slowest_write)
    assert stage.calls(CREATE) == 1 + (seconds > ON_LOOPBACK.slowest_write)


def test_a_claim_whose_write_was_not_answered_is_given_up(stage):
    earlier = stage.pool()
    used = earlier.lease(Spec())
    earlier.close()
    stage.sandbox.faults.lose_answer("PATCH /companies/{companyId}/apiCredentials/{apiCredentialId}")
    assert stage.pool().lease(Spec()).id != used.id
    # nobody claims it while that write may be another run's claim; after that it is free again
    assert stage.pool().lease(Spec()).id != used.id
    stage.sandbox.clock.advance(minutes=11)
    assert stage.pool().lease(Spec()).id == used.id


@pytest.mark.parametrize("fault", ["reset", "lose_answer", "truncate", "duplicate"])
def test_a_lost_answer_creates_nothing_twice(stage, fault):
    getattr(stage.sandbox.faults, fault)(CREATE, times=3)
    credential = stage.pool().lease(Spec())
    assert set(stage.bodies()) == {stage.sandbox.provisioning.id, credential.id}
    assert stage.me(credential).status_code == 200


@pytest.mark.parametrize(("status", "retry_after"), [(429, 7), (500, None), (503, 1)])
def test_what_passes_is_waited_for(stage, status, retry_after):
    stage.sandbox.faults.status(status, times=3, retry_after=retry_after)
    assert stage.me(stage.pool().lease(Spec())).status_code == 200


def test_no_lease_sees_a_key_that_does_not_work_yet_and_the_wait_is_one():
    stage = Stage(propagation_delay=timedelta(minutes=3))
    pool = stage.pool()
    started = stage.clock.now()
    for _ in range(10):
        credential = pool.lease(Spec())
        assert stage.me(credential).status_code == 200
        pool.give_back(credential.id)
    assert timedelta(minutes=3) <= stage.clock.now() - started < timedelta(minutes=3, seconds=15)


class Together(SandboxClock):
    """A clock that moves when all four sleep, as time does for threads that wait beside each other."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._barrier = threading.Barrier(4, lambda: sandbox.clock.advance(seconds=self._seconds), timeout=30)
        self._seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self._seconds = seconds
        self._barrier.wait()


def test_several_waits_at_a_time_are_one_wait():
    stage = Stage(propagation_delay=timedelta(minutes=3), clock=Clock(flowing=False))
    stage.clock = Together(stage.sandbox)
    pool = stage.pool(background=True)
    started, leases = stage.clock.now(), []
    threads = [
        threading.Thread(target=lambda number=number: leases.append(pool.lease(Spec(), str(number))), daemon=True)
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({credential.id for credential in leases}) == 4
    assert all(stage.me(credential).status_code == 200 for credential in leases)
    assert stage.clock.now() - started < timedelta(minutes=3, seconds=15)


def test_a_key_that_never_works_ends_the_wait_with_one_message():
    stage = Stage(propagation_delay=timedelta(hours=1))
    said = []
    pool = stage.pool(ready_timeout=600)
    pool._announce = said.append
    with pytest.raises(
        NotReady, match=r"still answers 401 after 600 s \(adyen_ready_timeout\).*raise adyen_ready_timeout"
    ):
        pool.lease(Spec())
    assert any("s of 600 s)" in line for line in said)
    assert pool.close() == []


def test_a_test_that_asks_for_more_than_there_can_be_is_told_at_once(stage):
    pool = stage.pool(budget=2, background=True)
    held = [pool.lease(Spec()), pool.lease(Spec())]
    with pytest.raises(BudgetSpent, match="raise --adyen-max-created"):
        pool.lease(Spec())
    pool.give_back(held[0].id)
    assert pool.lease(Spec()).id == held[0].id


def test_a_full_pool_waits_for_another_holder(stage):
    pool = stage.pool(budget=1, background=True)
    held = pool.lease(Spec(), "one")
    threading.Timer(0.2, pool.give_back, [held.id, "one"]).start()
    assert pool.lease(Spec(), "two").id == held.id


def test_what_a_holder_that_is_gone_had_is_everybodys_again(stage):
    pool = stage.pool(budget=1, background=True)
    held = pool.lease(Spec(), "crashed")
    pool.give_all_back("crashed")
    assert pool.lease(Spec(), "alive").id == held.id


def test_a_key_that_a_test_replaced_unseen_is_replaced_before_it_dies(stage):
    pool = stage.pool()
    first = pool.lease(Spec())
    with stage.client(Ownership.sandbox()) as client:
        client.company("TestCompany").generate_api_key(first.id)
    pool.give_back(first.id)
    stage.sandbox.clock.advance(hours=25)
    again = pool.lease(Spec())
    assert again.id == first.id
    assert stage.me(again).status_code == 200


def test_a_throwaway_whose_time_was_over_is_left_to_who_took_it(stage):
    pool = stage.pool()
    held = pool.lease(Spec())
    stage.sandbox.clock.advance(hours=3)
    with stage.client(Ownership(0)) as client:
        Recovery(client, [client.company("TestCompany")], stage.clock).sweep(())
    theirs = stage.pool().lease(Spec())
    assert theirs.id == held.id
    with pytest.raises(CredentialError, match="taken over by another run"):
        pool.give_back(held.id)
    assert stage.me(theirs).status_code == 200
    assert len(pool.close()) == 1
    assert stage.me(theirs).status_code == 200


def test_a_long_run_renews_its_tags(stage):
    pool = stage.pool()
    held = pool.lease(Spec())
    for _ in range(4):
        stage.sandbox.clock.advance(minutes=70)
        pool.provisioner.renew(*pool.stock.all)
    with stage.client(Ownership(0)) as client:
        assert Recovery(client, [client.company("TestCompany")], stage.clock).sweep(())[0] == []


def test_a_role_that_cannot_be_given_is_refused_before_anything_is_created():
    stage = Stage(roles=["Management API - API credentials read and write", "Management API \u2014 Stores read"])
    pool = stage.pool()
    with pytest.raises(
        CredentialError, match=r"ws@Company\.TestCompany cannot give the role 'Management API - Users read'"
    ):
        pool.lease(adyen_credential(roles=["Management API - Users read"]))
    assert stage.calls(CREATE) == 0
    assert pool.lease(adyen_credential(roles=["Management API-Stores read"])).roles == (
        "Management API \u2014 Stores read",
    )


def test_the_budget_holds_whatever_goes_wrong():
    for seed in range(8):
        stage = Stage(seed=seed)
        pool = stage.pool(budget=5, size=50)
        for kind in ("reset", "lose_answer"):
            getattr(stage.sandbox.faults, kind)(CREATE, times=None, probability=0.2)
        stage.sandbox.faults.status(500, CREATE, times=None, probability=0.2)
        stage.sandbox.faults.status(429, CREATE, times=None, probability=0.3)
        for _ in range(20):
            try:
                pool.lease(Spec(fresh=True))
            except (BudgetSpent, CredentialError):
                continue
        stage.sandbox.faults.clear()
        assert len(stage.bodies()) - 1 <= 5
