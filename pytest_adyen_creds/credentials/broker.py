"""The broker: how the worker processes of one run share the pool that the controller has.

Messages are JSON over a local socket that only this user can open, behind a key that the controller hands to its
workers. Secrets go over it and nowhere else; nothing is unpickled.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Final

from pytest_adyen_creds import errors
from pytest_adyen_creds.client import Budget, Place
from pytest_adyen_creds.credentials.credential import Credential, Origin
from pytest_adyen_creds.credentials.ending import Left
from pytest_adyen_creds.credentials.forking import OneProcess
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.readiness import NotReady, Progress
from pytest_adyen_creds.credentials.spec import Spec, spec_from_json
from pytest_adyen_creds.errors import AdyenCredsError, ApiError, CredentialError
from pytest_adyen_creds.secrets import SECRETS, Secret

_ERRORS: Final[Mapping[str, type[AdyenCredsError]]] = {
    **{name: item for name, item in vars(errors).items() if isinstance(item, type)},
    "NotReady": NotReady,
}
_SECRETS: Final = ("api_key", "password", "client_key")


class Broker:
    """Serves ``pool`` and ``budget`` to the workers.

    When a worker ends, ``created`` is told what its tests created, by id and place, and ``left`` what of it may still
    be active.
    """

    def __init__(
        self, pool: Pool, budget: Budget, created: Callable[[str, Place | None], None], left: Callable[[Left], None]
    ) -> None:
        self._pool = pool
        self._budget = budget
        self._created = created
        self._left = left
        self._key = secrets.token_bytes(32)
        self._connections: Counter[str] = Counter()
        self._lock = threading.Lock()
        try:
            self._listener = Listener(backlog=128, authkey=self._key)
        except OSError:
            # the path of a socket may be too long for the system; loopback behind the same key does as well
            self._listener = Listener(("127.0.0.1", 0), backlog=128, authkey=self._key)
        threading.Thread(target=self._accept, name="adyen-broker", daemon=True).start()

    def invitation(self) -> dict[str, Any]:
        """Return what a worker needs to reach this broker, as plain values."""
        address = self._listener.address
        return {"address": list(address) if isinstance(address, tuple) else address, "key": self._key.hex()}

    def close(self) -> None:
        """Take no more workers."""
        with suppress(OSError):
            self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except (AuthenticationError, EOFError, ConnectionError):
                continue
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name="adyen-broker", daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        holder = ""
        try:
            holder = str(json.loads(connection.recv_bytes())["holder"])
            with self._lock:
                self._connections[holder] += 1
            while True:
                self._reply(connection, holder, self._answer(holder, json.loads(connection.recv_bytes())))
        except (OSError, EOFError):
            pass
        finally:
            connection.close()
            with self._lock:
                self._connections[holder] -= 1
                gone = holder and not self._connections[holder]
            if gone:
                # ended in order or crashed: what it had is everybody's again
                self._pool.give_all_back(holder)

    def _reply(self, connection: Connection, holder: str, answer: dict[str, Any]) -> None:
        try:
            connection.send_bytes(json.dumps(answer).encode())
        except OSError:
            # whoever asked no longer listens, so nobody would ever give this lease back
            if isinstance(answer.get("result"), dict):
                self._pool.give_back(answer["result"]["id"], holder)
            raise

    def _answer(self, holder: str, message: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"result": self._do(holder, message)}
        except AdyenCredsError as error:
            return {"error": type(error).__name__, "text": SECRETS.mask(str(error))}
        except Exception as error:  # noqa: BLE001 - a worker that lives must not be taken for one that has gone
            text = f"the process that has the run's throwaways met {type(error).__name__}: {error}; report it"
            return {"error": "CredentialError", "text": SECRETS.mask(text)}

    def _do(self, holder: str, message: dict[str, Any]) -> Any:
        match message["call"]:
            case "lease":
                return credential_to_json(self._pool.lease(spec_from_json(message["spec"]), holder))
            case "give back":
                held = message["credential"]
                self._pool.give_back(message["id"], holder, held and credential_from_json(held))
            case "prepare":
                self._pool.prepare([spec_from_json(spec) for spec in message["specs"]])
            case "reserve":
                self._budget.reserve(message["intent"])
            case "free":
                self._budget.free(message["intent"])
            case "lost":
                self._budget.lost(message["intent"])
            case "spent":
                return self._budget.spent
            case "created":
                self._created(message["id"], message["place"] and tuple(message["place"]))
            case "left":
                self._left(Left(message["id"], message["why"]))
        return None


class RemotePool(OneProcess):
    """A worker's way to the pool. Each thread has a connection of its own; they all count as one holder."""

    def __init__(self, invitation: Mapping[str, Any], holder: str) -> None:
        self._opened: list[Connection] = []
        super().__init__()
        address = invitation["address"]
        self._address = tuple(address) if isinstance(address, list) else address
        self._key = bytes.fromhex(invitation["key"])
        # a worker that is started again under the same name is somebody else
        self._holder = f"{holder} {secrets.token_hex(4)}"
        self._local = threading.local()
        self._connection()

    def lease(self, spec: Spec, holder: str = "", progress: Progress = lambda text: None) -> Credential:
        """Return a throwaway on lease to this worker; waits as :meth:`Pool.lease` does, and raises what it raises."""
        return credential_from_json(self._call("lease", spec=spec.to_json()))

    def give_back(self, credential_id: str, holder: str = "", credential: Credential | None = None) -> None:
        """Give a lease of this worker back."""
        self._call("give back", id=credential_id, credential=credential and credential_to_json(credential))

    def prepare(self, specs: list[Spec]) -> None:
        """Start to provision what ``specs`` need."""
        self._call("prepare", specs=[spec.to_json() for spec in specs])

    def reserve(self, intent: str) -> None:
        """Take a slot of the run's budget."""
        self._call("reserve", intent=intent)

    def free(self, intent: str) -> None:
        """Give a slot of the run's budget back."""
        self._call("free", intent=intent)

    def lost(self, intent: str) -> None:
        """Tell the controller that an attempt to create has no answer."""
        self._call("lost", intent=intent)

    def spent(self) -> int:
        """Return how many creations the whole run has used."""
        return int(self._call("spent"))

    def created(self, credential_id: str, place: Place | None) -> None:
        """Tell the controller of a credential that a test created, and where."""
        self._call("created", id=credential_id, place=place)

    def left(self, left: Left) -> None:
        """Tell the controller of what may still be active."""
        self._call("left", id=left.id, why=left.why)

    def close(self) -> None:
        """End the connections; whatever is still on lease goes back."""
        for connection in self._opened:
            connection.close()

    def let_go(self) -> None:
        """Close the connections in a forked process: as long as one is open, this worker counts as one that lives."""
        self.close()

    def _connection(self) -> Connection:
        self.check_process()
        if not hasattr(self._local, "connection"):
            try:
                connection = Client(self._address, authkey=self._key)
                connection.send_bytes(json.dumps({"holder": self._holder}).encode())
            except (OSError, EOFError, AuthenticationError) as error:
                raise CredentialError(
                    f"the process that has the run's throwaways cannot be reached ({type(error).__name__}); "
                    "run the xdist workers on the same machine"
                ) from None
            self._local.connection = connection
            self._opened.append(connection)
        return self._local.connection  # type: ignore[no-any-return]

    def _call(self, call: str, **message: Any) -> Any:
        connection = self._connection()
        try:
            connection.send_bytes(json.dumps({"call": call, **message}).encode())
            answer = json.loads(connection.recv_bytes())
        except (OSError, EOFError) as error:
            raise CredentialError(
                f"the process that has the run's throwaways has ended ({type(error).__name__}); run again"
            ) from None
        except BaseException:
            # interrupted in between: the answer would be taken for that of the next call
            del self._local.connection
            connection.close()
            raise
        if "error" in answer:
            kind = _ERRORS.get(answer["error"], CredentialError)
            raise (CredentialError if issubclass(kind, ApiError) else kind)(answer["text"])
        return answer["result"]


class SharedBudget(Budget):
    """The run's budget, as a worker sees it."""

    def __init__(self, limit: int, pool: RemotePool) -> None:
        super().__init__(limit)
        self._pool = pool

    @property
    def spent(self) -> int:
        """The creations of the whole run."""
        return self._pool.spent()

    def reserve(self, intent: str) -> None:
        """Take a slot; raises :class:`BudgetSpent` when the whole run has none left."""
        self._pool.reserve(intent)

    def free(self, intent: str) -> None:
        """Give a slot back."""
        self._pool.free(intent)

    def lost(self, intent: str) -> None:
        """Take note that an attempt has no answer."""
        self._pool.lost(intent)


def credential_to_json(credential: Credential) -> dict[str, Any]:
    """Return ``credential`` with its secrets shown, for the broker's socket only."""
    shown = {name: secret.reveal() for name in _SECRETS if (secret := getattr(credential, name)) is not None}
    plain = {
        name: getattr(credential, name)
        for name in ("level", "account", "id", "username", "roles", "merchants", "description", "active")
    }
    return {**plain, **shown, "links": dict(credential.links), "origins": [asdict(item) for item in credential.origins]}


def credential_from_json(value: Mapping[str, Any]) -> Credential:
    """Return the credential that :func:`credential_to_json` wrote."""
    fields = dict(value)
    for name in _SECRETS:
        if name in fields:
            fields[name] = Secret(fields[name])
    for name in ("roles", "merchants"):
        fields[name] = tuple(fields[name])
    fields["origins"] = tuple(Origin(**item) for item in fields["origins"])
    return Credential(**fields)
