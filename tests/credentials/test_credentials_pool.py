"""The pool over an embedded sandbox: leases, resets, recycling, readiness; nothing sleeps."""

from __future__ import annotations

import os
import threading
from datetime import timedelta

import httpx
import pytest

from pytest_adyen_creds.client import Budget, Credentials, ManagementClient, Ownership, tag
from pytest_adyen_creds.credentials.backend import Backend, SandboxClock
from pytest_adyen_creds.credentials.claims import ON_LOOPBACK
from pytest_adyen_creds.credentials.credential import Credential
from pytest_adyen_creds.credentials.leases import LeaseClient, Leases
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.pool_server import PoolClient, PoolServer, SharedBudget
from pytest_adyen_creds.credentials.provisioning import NotReady, PooledCredential, Provisioner
from pytest_adyen_creds.credentials.recovery import Recovery
from pytest_adyen_creds.credentials.shutdown import CircuitBreaker, Deadline
from pytest_adyen_creds.credentials.spec import Spec, adyen_credential
from pytest_adyen_creds.errors import ApiError, BudgetSpent, CredentialError
from pytest_adyen_creds.sandbox import Clock, Sandbox
from pytest_adyen_creds.secrets import Secret

CREATE = "POST /companies/{companyId}/apiCredentials"


class Stage:
    """A sandbox and, over it, pools as runs of their own have them: with the ownership of a live server."""

    def __init__(self, wrap=lambda transport: transport, **arguments) -> None:
        self.sandbox = Sandbox(**arguments)
        self.clock = SandboxClock(self.sandbox)
        self.wrap = wrap

    def pool(self, *, budget: int = 5, size: int | None = None, background: bool = False, **arguments) -> Pool:
        key = self.sandbox.provisioning.api_key
        client = self.client(Ownership(Budget(budget), provisioning=[key]), self.wrap)
        backend = Backend(client.base_url, "TestCompany", "TestMerchant", key, self.clock, self.sandbox)
        provisioner = Provisioner(client, backend, tag.new_run(), **arguments)
        return Pool(provisioner, size or budget, background=background)

    def client(self, ownership: Ownership, wrap=lambda transport: transport) -> ManagementClient:
        return ManagementClient(
            "https://management-test.adyen.com/v3",
            api_key=self.sandbox.provisioning.api_key,
            transport=wrap(self.sandbox.transport()),
            ownership=ownership,
            clock=self.clock,
        )

    def bodies(self) -> dict[str, dict]:
        with self.client(Ownership(0)) as client:
            return {body["id"]: body for body in client.company("TestCompany").iterate()}

    def active(self) -> list[str]:
        return [id for id, body in self.bodies().items() if tag.parse(body.get("description")) and body["active"]]

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
    assert pool.close() == {}
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
    pool._report = said.append
    with pytest.raises(
        NotReady, match=r"still answers 401 after 600 s \(adyen_ready_timeout\).*raise adyen_ready_timeout"
    ):
        pool.lease(Spec())
    assert any("s of 600 s)" in line for line in said)
    assert pool.close() == {}


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
        Recovery(client, [client.company("TestCompany")]).sweep(())
    theirs = stage.pool().lease(Spec())
    assert theirs.id == held.id
    with pytest.raises(CredentialError, match="taken over by another run"):
        pool.give_back(held.id)
    assert stage.me(theirs).status_code == 200
    assert len(pool.close()) == 1
    assert stage.me(theirs).status_code == 200


def test_a_long_run_renews_its_tags(stage):
    pool = stage.pool()
    pool.lease(Spec())
    for _ in range(4):
        stage.sandbox.clock.advance(minutes=70)
        pool.provisioner.renew(*pool.inventory)
    with stage.client(Ownership(0)) as client:
        assert Recovery(client, [client.company("TestCompany")]).sweep(())[0] == []


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


def in_thread(function, *arguments) -> threading.Thread:
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


class Held(httpx.BaseTransport):
    """Keeps requests that switch a throwaway on under way until it lets them go."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.is_on = False
        self.under_way, self.go, self.switched_off = threading.Event(), threading.Event(), threading.Event()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_on and request.method == "PATCH" and b'"active":true' in request.content:
            self.under_way.set()
            assert self.go.wait(30)
            self.switched_off.wait(0.1)  # what does not wait for this request comes before it
        response = self._inner.handle_request(request)
        if request.method == "PATCH" and b'"active":false' in request.content:
            self.switched_off.set()
        return response


@pytest.fixture
def held():
    transports = []
    return Stage(lambda inner: transports.append(Held(inner)) or transports[-1]), transports


def test_a_reset_under_way_does_not_overtake_the_switching_off(held):
    stage, transports = held
    pool = stage.pool(background=True)
    pool.lease(Spec(), "a worker that dies")
    (transport,) = transports
    transport.is_on = True
    resetting = in_thread(pool.give_all_back, "a worker that dies")
    assert transport.under_way.wait(30)
    pool.stop()
    transport.go.set()
    assert pool.close() == {}
    resetting.join(30)
    assert stage.active() == []
    assert not pool.is_straggling


def test_a_recycling_under_way_does_not_overtake_the_switching_off(held):
    stage, transports = held
    earlier = stage.pool()
    earlier.lease(Spec())
    earlier.close()
    pool = stage.pool(background=True)
    transport = transports[-1]
    transport.is_on = True
    pool.prepare([Spec()])
    assert transport.under_way.wait(30)
    pool.stop()
    transport.go.set()
    assert pool.close() == {}
    assert stage.active() == []
    assert pool.switched_off == pool.recycled == set(stage.bodies()) - {stage.sandbox.provisioning.id}


def test_what_is_not_over_at_the_deadline_is_told(held):
    stage, transports = held
    pool = stage.pool(background=True)
    credential = pool.lease(Spec())
    (transport,) = transports
    transport.is_on = True
    resetting = in_thread(pool.give_back, credential.id)
    assert transport.under_way.wait(30)
    ((left, why),) = pool.close(Deadline(0.05)).items()
    assert left == credential.id
    assert "could not be switched off: the 0 s that the end of a run may take were over" in why
    assert "run adyen-creds sweep" in why
    assert pool.is_straggling
    transport.go.set()
    resetting.join(30)


def test_an_ending_run_leases_nothing_resets_nothing_and_starts_nothing(stage):
    pool = stage.pool(budget=1, background=True)
    held = pool.lease(Spec(), "one")
    failures = []

    def wait_for_one() -> None:
        with pytest.raises(CredentialError, match="the run is ending") as failure:
            pool.lease(Spec(), "two")
        failures.append(failure)

    waiting = in_thread(wait_for_one)
    pool.stop()
    waiting.join(30)
    assert len(failures) == 1
    requests = len(stage.sandbox.app.journal)
    with pytest.raises(CredentialError, match="the run is ending"):
        pool.lease(Spec(fresh=True))
    pool.give_back(held.id, "one")
    pool.prepare([Spec("merchant")])
    assert len(stage.sandbox.app.journal) == requests
    assert pool.close() == {}
    assert stage.active() == []


def test_one_that_cannot_be_switched_off_keeps_no_other_on(stage, monkeypatch):
    pool = stage.pool()
    first, second, third = (pool.lease(Spec()) for _ in range(3))
    switch_off = Provisioner.switch_off

    def fails(self, throwaway):
        if throwaway.id == first.id:
            raise RuntimeError("a surprise")
        switch_off(self, throwaway)

    monkeypatch.setattr(Provisioner, "switch_off", fails)
    ((left, why),) = pool.close().items()
    assert left == first.id
    assert "could not be switched off: RuntimeError: a surprise; run adyen-creds sweep" in why
    assert stage.active() == [first.id]
    assert pool.switched_off == {second.id, third.id}


def test_an_interrupt_right_after_a_creation_is_not_forgotten(stage, monkeypatch):
    pool = stage.pool()
    create = Provisioner.create

    class Interrupted(PooledCredential):
        @property
        def id(self) -> str:
            raise KeyboardInterrupt

    def made(self, level, account):
        return Interrupted(**vars(create(self, level, account)))

    monkeypatch.setattr(Provisioner, "create", made)
    with pytest.raises(KeyboardInterrupt):
        pool.lease(Spec())
    assert pool.is_dirty


def test_a_terminal_that_is_gone_stops_no_lease():
    stage = Stage(propagation_delay=timedelta(minutes=1))
    pool = stage.pool(background=True)

    def gone(text: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    pool._report = gone
    assert stage.me(pool.lease(Spec())).status_code == 200


def test_what_no_one_foresaw_reaches_the_lease_that_waits(stage, monkeypatch):
    pool = stage.pool(background=True)
    with monkeypatch.context() as patch:
        patch.setattr(Provisioner, "create", lambda self, level, account: {}["surprise"])
        failures = []

        def lease() -> None:
            with pytest.raises(CredentialError, match="provisioned at TestCompany: KeyError: 'surprise'; check"):
                pool.lease(Spec())
            failures.append(1)

        in_thread(lease).join(30)
        assert failures == [1]
    assert stage.me(pool.lease(Spec())).status_code == 200


def test_a_key_that_never_works_takes_no_lease_of_one_that_does(stage, monkeypatch):
    pool = stage.pool(background=True)
    first = pool.lease(Spec())
    await_ready = Provisioner.await_ready

    def never(self, credential, report):
        if credential.id != first.id:
            raise NotReady("the new key still answers 401")
        await_ready(self, credential, report)

    monkeypatch.setattr(Provisioner, "await_ready", never)
    with pytest.raises(NotReady):
        pool.lease(Spec())
    pool.give_back(first.id)
    assert pool.lease(Spec()).id == first.id


def test_a_fresh_one_that_takes_time_says_so():
    stage = Stage(propagation_delay=timedelta(minutes=1))
    said = []
    stage.pool(background=True).lease(Spec(fresh=True), report=said.append)
    assert any("waiting for the new key" in line for line in said)


class Unlucky(LeaseClient):
    """Nothing of it can be given back."""

    def __init__(self) -> None:
        self.asked = []

    def lease(self, spec, report=lambda text: None):
        keys = {"api_key": Secret("AQE-unlucky"), "client_key": Secret("test_unlucky")}
        name = f"S2-{len(self.asked)}{id(spec)}"
        return Credential("company", "TestCompany", name, "ws_1@Company.TestCompany", **keys)

    def give_back(self, credential):
        self.asked.append(credential.id)
        raise ApiError("PATCH answered 500; try again later", status=500)


def test_each_lease_is_given_back_whatever_becomes_of_the_others():
    throwaways = Unlucky()
    leases = Leases(throwaways, lambda text: None)
    held = {leases.lease().id, leases.lease(level="merchant").id}
    with pytest.raises(ApiError, match="try again later"):
        leases.close()
    assert set(throwaways.asked) == held


@pytest.fixture
def shared(stage):
    """A pool, and a worker's way to it."""
    pool = stage.pool(background=True)
    leaked = {}
    server = PoolServer(pool, pool.provisioner.client.ownership.budget, lambda id, place: None, leaked.__setitem__)
    remote = PoolClient(server.connection_info(), "gw0")
    yield pool, remote, leaked
    remote.close()
    server.close()


def test_a_surprise_in_the_controller_takes_no_lease_of_a_worker(shared, monkeypatch):
    pool, remote, _ = shared
    credential = remote.lease(Spec())
    with monkeypatch.context() as patch:
        patch.setattr(Provisioner, "grantable", lambda self, *roles: {}["surprise"])
        with pytest.raises(CredentialError, match="met KeyError: 'surprise'; report it"):
            remote.lease(Spec())
    assert remote.lease(Spec()).id != credential.id
    assert len({item for who in {who for who, _ in pool._leased.values()} for item in pool.leases(who)}) == 2


def test_a_worker_sees_what_the_whole_run_has_spent(shared):
    pool, remote, _ = shared
    budget = SharedBudget(5, remote)
    pool.lease(Spec())
    budget.reserve("POST one")
    assert budget.spent == pool.provisioner.client.ownership.budget.spent == 2
    budget.free("POST one")
    assert budget.spent == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_what_a_worker_s_test_forks_does_not_ask_in_its_name(shared):
    _, remote, _ = shared
    child = os.fork()
    if child == 0:
        try:
            SharedBudget(5, remote).reserve("POST one")
        except CredentialError as error:
            os._exit("has forked" in str(error))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert remote.call("spent") == 0


def test_what_a_worker_leaves_reaches_the_controller(shared):
    _, remote, leaked = shared
    why = "credential S2-1, which a test created, could not be switched off"
    remote.call("leaked", "S2-1", why)
    assert leaked == {"S2-1": why}


def test_a_server_that_nobody_reaches_is_not_asked_over_and_over(stage):
    sent = []

    def dark(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if is_dark:
            raise httpx.ReadTimeout("timed out", request=request)
        return httpx.Response(200, json={})

    is_dark = True
    breaker = CircuitBreaker(tries=3)
    clients = [stage.client(Ownership(0), lambda transport: httpx.MockTransport(dark)) for _ in range(2)]
    for client in clients:
        client.retries = breaker
    for client, tries in ((clients[0], 3), (clients[0], 1), (clients[1], 1)):
        sent.clear()
        with pytest.raises(ApiError, match="no answer"):
            client.send("GET", "/me")
        assert len(sent) == tries
    is_dark = False
    clients[1].send("GET", "/me")
    is_dark = True
    sent.clear()
    with pytest.raises(ApiError, match="no answer"):
        clients[0].send("GET", "/me")
    assert len(sent) == 3
