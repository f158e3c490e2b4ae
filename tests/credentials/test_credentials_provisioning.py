"""Provisioning and recovery over an embedded sandbox, while clocks, answers and other runs interfere."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from pytest_adyen_creds.client import Budget, Credentials, ManagementClient, Ownership, tag
from pytest_adyen_creds.client.client import Me
from pytest_adyen_creds.client.parsing import Level
from pytest_adyen_creds.credentials.backend import Backend, SandboxClock
from pytest_adyen_creds.credentials.ledger import Ledger
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.provisioning import NotReady, Provisioner
from pytest_adyen_creds.credentials.recovery import Recovery, Swept
from pytest_adyen_creds.credentials.spec import adyen_credential
from pytest_adyen_creds.errors import CredentialError, OwnershipRefused
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.keys import PlatformIdGenerator

COMPANY = ("company", "TestCompany")


class Account:
    """A sandbox, and runs over it as they are over a live server."""

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self.clock = SandboxClock(self.sandbox)

    def run(self, clock: SandboxClock | None = None, **arguments) -> Provisioner:
        key = self.sandbox.provisioning.api_key
        ownership = Ownership(Budget(5), provisioning=[key])
        client = self.client(ownership, clock)
        backend = Backend(client.base_url, "TestCompany", "TestMerchant", key, client.clock, self.sandbox)
        return Provisioner(client, backend, tag.new_run(), **arguments)

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

    def recovery(self, clock: SandboxClock | None = None) -> Recovery:
        client = self.client(Ownership(0), clock)
        return Recovery(client, [client.company("TestCompany")])

    def sweep(self, clock: SandboxClock | None = None) -> list[str]:
        return [item.id for item in self.recovery(clock).sweep(())[0]]

    def rename(self, credential_id: str, description: str) -> None:
        """Change a description as somebody else may, by hand."""
        with self.client(Ownership.sandbox()) as client:
            client.company("TestCompany").update(credential_id, {"description": description})


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
    resource = other.client.credentials_at(*COMPANY)
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


def test_a_lease_of_a_credential_without_a_client_key_gets_one(account, monkeypatch):
    # the platform has credentials without one
    inner, generated = account.sandbox.transport(), []

    def keyless(request: httpx.Request) -> httpx.Response:
        answer = inner.handle_request(request)
        answer.read()
        if request.url.path.endswith("/generateClientKey"):
            generated.append(request.url.path)
            return answer
        body = {name: value for name, value in answer.json().items() if name != "clientKey"}
        return httpx.Response(answer.status_code, json=body)

    monkeypatch.setattr(account.sandbox, "transport", lambda: httpx.MockTransport(keyless))
    pool = Pool(account.run(), 1, background=False)
    first = pool.lease(adyen_credential())
    assert account.sandbox.customer_area.accepts_client_key(first.client_key)
    pool.give_back(first.id, credential=first)
    assert pool.lease(adyen_credential()).client_key == first.client_key
    assert generated == [f"/v3/companies/TestCompany/apiCredentials/{first.id}/generateClientKey"]


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


class Killed:
    """A run that made ``made`` and was killed; its ledger is in ``folder``."""

    def __init__(self, account: Account, folder: Path, level: Level, name: str) -> None:
        self.account, self.folder = account, folder
        run = account.run()
        ledger = run.ledger = Ledger(folder, run.run, run.client.base_url, "TestCompany")
        self.run = run.run
        self.id = run.create(level, name).id
        ledger.close(is_clean=False)

    def recover(self, **arguments) -> list[Swept]:
        return self.account.recovery().run(self.folder, **arguments)

    @property
    def is_known(self) -> bool:
        return bool(list(self.folder.glob("*.jsonl")))


def hide_merchants(monkeypatch) -> None:
    """Let a company's list leave out what was made at its merchant accounts: nobody published that it shows it."""
    whole = Credentials.iterate

    def iterate(self, page_size=100):
        for body in whole(self, page_size):
            if self.level == "merchant" or not body.get("associatedMerchantAccounts"):
                yield body

    monkeypatch.setattr(Credentials, "iterate", iterate)


def test_what_a_killed_run_made_at_another_account_is_found_there(account, tmp_path, monkeypatch):
    hide_merchants(monkeypatch)
    killed = Killed(account, tmp_path, "merchant", "TestMerchantEU")
    assert [(item.id, item.account, item.problem) for item in killed.recover()] == [(killed.id, "TestMerchantEU", None)]
    assert account.body(killed.id)["active"] is False
    assert not killed.is_known


def test_what_no_list_shows_is_asked_for_by_its_id(account, tmp_path, monkeypatch):
    killed = Killed(account, tmp_path, "company", "TestCompany")
    monkeypatch.setattr(Credentials, "iterate", lambda self, page_size=100: iter(()))
    assert [item.id for item in killed.recover()] == [killed.id]
    assert account.body(killed.id)["active"] is False
    assert not killed.is_known


def test_a_ledger_stays_while_something_it_names_cannot_be_found(account, tmp_path):
    killed = Killed(account, tmp_path, "company", "TestCompany")
    (path,) = tmp_path.glob("*.jsonl")
    with path.open("a") as file:
        file.write(json.dumps({"event": "created", "id": "S2-gone"}) + "\n")
    swept = {item.id: item.problem for item in killed.recover()}
    assert swept[killed.id] is None
    assert "look for it in the Customer Area, and run adyen-creds sweep" in swept["S2-gone"]
    assert killed.is_known


def test_what_carries_no_tag_any_more_is_named_and_left_alone(account, tmp_path):
    killed = Killed(account, tmp_path, "company", "TestCompany")
    account.rename(killed.id, "Production")
    (found,) = killed.recover()
    assert found.id == killed.id
    assert "is not touched; switch it off in the Customer Area" in found.problem
    assert account.body(killed.id)["active"] is True
    assert killed.is_known


def test_a_dry_run_changes_nothing_on_disk_either(account, tmp_path):
    killed = Killed(account, tmp_path, "company", "TestCompany")
    assert [item.id for item in killed.recover(dry_run=True)] == [killed.id]
    assert account.body(killed.id)["active"] is True
    assert killed.is_known
    killed.recover()
    assert not killed.is_known


def test_what_a_run_created_is_switched_off_by_id_where_a_read_shows_its_tag(account):
    run = account.run()
    mine, untagged, taken = (run.create(*COMPANY).id for _ in range(3))
    account.rename(untagged, "7")
    account.rename(taken, tag.make("00000000", account.clock.now() + timedelta(hours=1)))
    places = {mine: COMPANY, untagged: None, taken: None, "S2-gone": None}
    swept = {item.id: item.problem for item in account.recovery().switch_off_ids(run.run, places)}
    assert swept.keys() == {mine, untagged, "S2-gone"}
    assert swept[mine] is None
    assert "does not carry this run's tag, so it is not touched" in swept[untagged]
    assert "look for it in the Customer Area" in swept["S2-gone"]
    assert [account.body(item)["active"] for item in (mine, untagged, taken)] == [False, True, True]
    assert account.body(untagged)["description"] == "7"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_answer_that_passes_does_not_give_a_new_key_up(account, status):
    run = account.run()
    made = run.create(*COMPANY)
    account.sandbox.faults.status(status, "GET /me", times=8)
    run.await_ready(made.credential)
    account.sandbox.faults.status(status, "GET /me", times=None)
    run.ready_timeout = 30
    with pytest.raises(NotReady, match=rf"still answers {status} after 30 s \(adyen_ready_timeout\)"):
        run.await_ready(made.credential)


def test_one_that_was_limited_when_the_run_ended_is_recycled(account):
    run = account.run()
    made = run.create(*COMPANY)
    run.configure(made, adyen_credential(merchants=["TestMerchant"]))
    run.switch_off(made)
    assert account.body(made.id)["associatedMerchantAccounts"] == []
    assert account.run().recycle(*COMPANY, any_one).id == made.id


def test_merchant_accounts_that_are_refused_are_named(account):
    run = account.run()
    made = run.create(*COMPANY)
    with pytest.raises(
        CredentialError, match=r"what the test asks for, limited to Nope: .*: associatedMerchantAccounts\S* \("
    ):
        run.configure(made, adyen_credential(merchants=["Nope"]))


def test_roles_of_a_wrong_type_are_none(account, monkeypatch):
    monkeypatch.setattr(Me, "get", lambda self: {"username": "ws@Company.TestCompany", "roles": 7})
    with pytest.raises(CredentialError, match="cannot give the role"):
        account.run().create(*COMPANY)


def tag_provisioning(account, run: str, *, hours: float, active: bool = True) -> str:
    """Make the provisioning credential look like a throwaway of ``run``, as a server that confuses keys may."""
    own = account.sandbox.provisioning.id
    account.rename(own, tag.make(run, account.clock.now() + timedelta(hours=hours)))
    account.sandbox.customer_area.set_active(own, active)
    return own


def test_the_credential_that_the_key_signs_in_as_is_never_swept(account, tmp_path):
    own = tag_provisioning(account, "deadrun0", hours=-1)
    throwaway = account.run().create(*COMPANY).id
    account.rename(throwaway, tag.make("deadrun0", account.clock.now() - timedelta(hours=1)))
    ledger = Ledger(tmp_path, "deadrun0", "https://management-test.adyen.com/v3", "TestCompany")
    for credential_id in (own, throwaway):
        ledger.created(credential_id, *COMPANY)
    ledger.close(is_clean=False)
    assert [item.id for item in account.recovery().run(tmp_path)] == [throwaway]
    assert account.recovery().switch_off_ids("deadrun0", {own: COMPANY}) == []
    assert account.body(own)["active"] is True


def test_a_companys_first_user_is_neither_recycled_nor_swept(account):
    own = tag_provisioning(account, "deadrun0", hours=-1)
    admin = account.run().create(*COMPANY)
    key = admin.credential.key()

    class Other(Account):
        """Runs that sign in with the key of another credential than ws@Company."""

        def __init__(self) -> None:
            self.sandbox, self.clock = account.sandbox, account.clock

        def client(self, ownership, clock=None):
            client = super().client(ownership, clock)
            client._auth = key
            return client

    other = Other()
    assert own not in other.sweep()
    assert account.body(own)["active"] is True
    account.sandbox.customer_area.set_active(own, False)
    assert own not in other.run().candidates(other.run().client.credentials_at(*COMPANY))
    assert other.run().recycle(*COMPANY, any_one) is None


def test_a_creation_answered_with_the_runs_own_key_is_refused_and_left_as_it_is(account, monkeypatch):
    own = account.sandbox.provisioning.api_key
    monkeypatch.setattr(PlatformIdGenerator, "api_key", lambda _: own)
    run = account.run()
    with pytest.raises(OwnershipRefused, match="provisioning credential's own key or username; it is left as it is"):
        run.create(*COMPANY)
    assert run.client.ownership.created == ()
    # the key signs in as the new credential now: no way to switch it off may be taken
    assert [item.id for item in account.recovery().sweep({run.run})[0]] == []
    with account.client(Ownership(0)) as client:
        assert client.me.get()["active"] is True
