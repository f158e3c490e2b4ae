"""The embedded Management API: stateful, honest about its evidence, on no network."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pytest_adyen_creds.contract.apis import apis_in
from pytest_adyen_creds.contract.roles import holds
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import roles as role_names
from pytest_adyen_creds.sandbox.answers import Answers, style_of
from pytest_adyen_creds.sandbox.app import ManagementApp
from pytest_adyen_creds.sandbox.caller import RateLimit
from pytest_adyen_creds.sandbox.contract_answers import ContractAnswers
from pytest_adyen_creds.sandbox.control import Control
from pytest_adyen_creds.sandbox.credentials import CredentialRepository
from pytest_adyen_creds.sandbox.customer_area import CustomerArea
from pytest_adyen_creds.sandbox.faults import Fault, FaultKind, Faults
from pytest_adyen_creds.sandbox.keys import KeyService
from pytest_adyen_creds.sandbox.rules import Evidence, Rule, behaviours
from pytest_adyen_creds.sandbox.state import Clock, State
from pytest_adyen_creds.sandbox.wire import ConnectionLost, SandboxTransport
from pytest_adyen_creds.secrets import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_adyen_creds.sandbox.server import Server
    from pytest_adyen_creds.sandbox.state_file import StateFile

__all__ = [
    "Clock",
    "ConnectionLost",
    "Evidence",
    "Fault",
    "FaultKind",
    "Provisioning",
    "Rule",
    "Sandbox",
    "behaviours",
]


@dataclass(frozen=True)
class Provisioning:
    """The credential that is there from the start, ``ws@Company.<company>``: the one that makes others."""

    id: str
    username: str
    api_key: Secret
    password: Secret
    client_key: Secret


class Sandbox:
    """An embedded Management API with state of its own.

    ``company`` and ``merchants`` are its accounts. ``seed`` decides every id and secret, together with the order of
    creation. ``answers`` is how it answers: as Adyen's test platform was seen to (``"platform"``, the default), or by
    Adyen's document alone (``"published"``). ``roles`` are those that the provisioning credential holds (default:
    ``sandbox.roles.CATALOGUE``).
    ``contracts`` is a folder of contracts, whose operations of other APIs are answered, too (see :meth:`answer`).
    ``api_key`` replaces the provisioning credential's own. ``propagation_delay`` is how long a new key does not work
    yet (default: not at all). ``requests_per_minute`` sets a rate limit per credential (default: none). ``clock`` is
    what everything that expires reads (default: real time). ``state_file`` is where it keeps credentials, the clock and
    the journal over restarts; the provisioning credential then gets a new password, and a new API key unless
    ``api_key`` is given: earlier ones die. :meth:`close` lets go of the file.

    Raises :class:`SandboxError` for accounts or settings that cannot be, and :class:`FileRefused` for a state file that
    cannot be taken.
    """

    def __init__(
        self,
        company: str = "TestCompany",
        merchants: Sequence[str] = ("TestMerchant", "TestMerchantEU"),
        seed: int = 0,
        *,
        answers: Answers = "platform",
        roles: Sequence[str] = role_names.CATALOGUE,
        api_key: Secret | None = None,
        contracts: Path | None = None,
        propagation_delay: timedelta = timedelta(),
        requests_per_minute: int | None = None,
        clock: Clock | None = None,
        state_file: Path | None = None,
    ) -> None:
        _check_accounts(company, merchants)
        needed = role_names.API_CREDENTIALS_ROLE
        if not holds(roles, needed):
            raise SandboxError(f"the provisioning credential needs the role '{needed}'; add it")
        style = style_of(answers)
        self.answers = style.name
        self.company = company
        self.merchants = tuple(merchants)
        self.roles = tuple(roles)
        self.clock = clock or Clock()
        key_service = KeyService(style.ids(seed, api_key), propagation_delay)
        contracts_there = apis_in(contracts)
        state = State(company, self.merchants)
        self._file: StateFile | None = None
        if state_file is not None:
            from pytest_adyen_creds.sandbox.state_file import StateFile

            self._file = StateFile(state_file, company, merchants, style.name)
        try:
            if self._file is not None and self._file.starts:
                key_service = KeyService(style.ids(_later_seed(seed, self._file.starts), api_key), propagation_delay)
            self.provisioning = self._begin(state, key_service, api_key)
        except BaseException:
            self.close()
            raise
        ids = key_service.ids
        self.contract_answers = ContractAnswers(contracts_there)
        self.faults = Faults(ids.fraction, lambda: contracts_there.labels)
        self.customer_area = CustomerArea(state, key_service, self.clock)
        self.repository = CredentialRepository(state, key_service, self.provisioning.id, style)
        self.app = ManagementApp(
            self.repository,
            self.clock,
            self.faults,
            RateLimit(requests_per_minute),
            Control(self.clock, self.faults, self.customer_area),
            self.contract_answers,
        )
        if self._file is not None:
            journal = self.app.journal
            journal.restore(self._file.entries())
            journal.on_entry, journal.on_clear = self._file.keep_entry, self._file.forget_entries

    def close(self) -> None:
        """Let go of the state file, where there is one: nothing is kept from then on, and changes are refused."""
        if self._file is not None:
            self._file.close()

    def _begin(self, state: State, key_service: KeyService, api_key: Secret | None) -> Provisioning:
        """Fill ``state`` with what the file has, and make sure of the provisioning credential; return that."""
        ids, file, username = key_service.ids, self._file, f"ws@Company.{self.company}"
        if file is not None:
            ids.resume(file.numbers)
            self.clock.restore(file.advanced)
            self.clock.on_advance = file.keep_advanced
            for credential in file.credentials():
                state.put(credential, self.clock.now())
            state.on_put = lambda credential: file.keep_credential(credential, ids.numbers)
        now = self.clock.now()
        # its keys work at once, whatever the delay
        first = KeyService(ids, timedelta()).new_credential(username, now, api_key=api_key)
        if (earlier := state.by_username(username)) is not None:
            first = replace(earlier, api_keys=first.api_keys, password=first.password)
            holder = state.by_key("api_keys", first.api_keys[0].secret.reveal())
            if holder is not None and holder[0].id != first.id:
                raise SandboxError(f"the API key that was given is that of {holder[0].id}; give the provisioning one")
        state.put(replace(first, roles=self.roles), now)
        return Provisioning(
            first.id,
            first.username,
            first.api_keys[0].secret,
            first.password.secret,
            first.client_keys[-1].secret,
        )

    def answer(self, operation: str, body: Any = None, *, status: int | None = None, api: str | None = None) -> None:
        """Answer ``operation`` (``POST /sessions``) of another API's contract with ``body`` until the test ends.

        ``status`` is the first success that the contract has, unless it is given; ``api`` names the contract where
        several have the operation. Raises :class:`SandboxError` for an answer that does not keep to the contract.
        """
        self.contract_answers.set(operation, body, status=status, api=api)

    def transport(self) -> SandboxTransport:
        """Return an httpx transport, sync and async, that answers from this sandbox in-process."""
        return SandboxTransport(self.app)

    def serve(self, port: int = 0) -> Server:
        """Serve the sandbox over HTTP on a loopback port (0: any free one) for the length of a ``with`` block.

        Raises :class:`SandboxError` where the port cannot be had.
        """
        from pytest_adyen_creds.sandbox.server import Server

        return Server(self.app, port)


def _later_seed(seed: int, starts: int) -> int:
    """Return the seed of a sandbox that goes on after others: none of their secrets comes up again."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{starts}".encode()).digest())


def _check_accounts(company: str, merchants: Sequence[str]) -> None:
    for name in (company, *merchants):
        if not name or not all(c.isascii() and (c.isalnum() or c in "_-") for c in name):
            raise SandboxError(f"{name!r} is no account name; use letters, digits, '_' and '-'")
    if isinstance(merchants, str) or not merchants or len(set(merchants)) < len(merchants):
        raise SandboxError("a company has at least one merchant account, each once; give a list of names")
