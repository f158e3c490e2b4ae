"""The pool server: how the worker processes of one run share the pool that the controller has.

Messages are JSON over a local socket that only this user can open, behind a key that the controller hands to its
workers: ``[call, *arguments]`` there, ``{"result": ...}`` or ``{"error": class, "text": ...}`` back. Secrets go over
it and nowhere else; nothing is unpickled.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Final

from pytest_adyen_creds import errors
from pytest_adyen_creds.client import Budget, Place
from pytest_adyen_creds.credentials.credential import Credential, from_body, to_body
from pytest_adyen_creds.credentials.fork_guard import ForkGuard
from pytest_adyen_creds.credentials.pool import Pool
from pytest_adyen_creds.credentials.provisioning import NotReady, Report, ignore
from pytest_adyen_creds.credentials.spec import Spec, adyen_credential
from pytest_adyen_creds.errors import AdyenCredsError, ApiError, CredentialError
from pytest_adyen_creds.secrets import SECRETS

_ERRORS: Final[Mapping[str, type[AdyenCredsError]]] = {
    item.__name__: item for item in (*vars(errors).values(), NotReady) if isinstance(item, type)
}


class PoolServer:
    """Serves ``pool`` and ``budget`` to the workers.

    When a worker ends, ``created`` is called with the id and the place of each credential that its tests created, and
    ``leaked`` with the id of each that may still be active, and why.
    """

    def __init__(
        self,
        pool: Pool,
        budget: Budget,
        created: Callable[[str, Place | None], None],
        leaked: Callable[[str, str], None],
    ) -> None:
        self._pool = pool
        self._calls: Mapping[str, Callable[..., Any]] = {
            "lease": lambda holder, spec: _to_json(pool.lease(adyen_credential(**spec), holder)),
            "give_back": lambda holder, id, held: pool.give_back(id, holder, held and _from_json(held)),
            "prepare": lambda _, specs: pool.prepare([adyen_credential(**spec) for spec in specs]),
            "reserve": lambda _, intent: budget.reserve(intent),
            "free": lambda _, intent: budget.free(intent),
            "lost": lambda _, intent: budget.lost(intent),
            "spent": lambda _: budget.spent,
            "created": lambda _, id, place: created(id, place and tuple(place)),
            "leaked": lambda _, id, why: leaked(id, why),
        }
        self._key = secrets.token_bytes(32)
        self._connections: Counter[str] = Counter()
        self._lock = threading.Lock()
        try:
            self._listener = Listener(backlog=128, authkey=self._key)
        except OSError:
            # the path of a socket may be too long for the system; loopback behind the same key does as well
            self._listener = Listener(("127.0.0.1", 0), backlog=128, authkey=self._key)
        threading.Thread(target=self._accept, name="adyen-pool-server", daemon=True).start()

    def connection_info(self) -> dict[str, Any]:
        """Return what a worker needs to reach this server, as plain values."""
        return {"address": self._listener.address, "key": self._key}

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
            threading.Thread(target=self._serve, args=(connection,), name="adyen-pool-server", daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        holder = ""
        try:
            holder = str(json.loads(connection.recv_bytes()))
            with self._lock:
                self._connections[holder] += 1
            while True:
                self._reply(connection, holder, self._answer(holder, *json.loads(connection.recv_bytes())))
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

    def _answer(self, holder: str, call: str, *arguments: Any) -> dict[str, Any]:
        try:
            return {"result": self._calls[call](holder, *arguments)}
        except AdyenCredsError as error:
            return {"error": type(error).__name__, "text": SECRETS.mask(str(error))}
        except Exception as error:  # noqa: BLE001 - a worker that lives must not be taken for one that has gone
            text = f"the process that has the run's throwaways met {type(error).__name__}: {error}; report it"
            return {"error": "CredentialError", "text": SECRETS.mask(text)}


class PoolClient(ForkGuard):
    """A worker's way to the pool. Each thread has a connection of its own; they all count as one holder."""

    def __init__(self, info: Mapping[str, Any], holder: str) -> None:
        self._opened: list[Connection] = []
        super().__init__()
        self._address, self._key = info["address"], info["key"]
        # a worker that is started again under the same name is somebody else
        self._holder = f"{holder} {secrets.token_hex(4)}"
        self._local = threading.local()
        self._connection()

    def lease(self, spec: Spec, holder: str = "", report: Report = ignore) -> Credential:
        """Return a throwaway on lease to this worker; waits as :meth:`Pool.lease` does, and raises what it raises."""
        return _from_json(self.call("lease", spec.to_json()))

    def give_back(self, credential_id: str, holder: str = "", credential: Credential | None = None) -> None:
        """Give a lease of this worker back."""
        self.call("give_back", credential_id, credential and _to_json(credential))

    def prepare(self, specs: list[Spec]) -> None:
        """Start to provision what ``specs`` need."""
        self.call("prepare", [spec.to_json() for spec in specs])

    def call(self, name: str, *arguments: Any) -> Any:
        """Return what the server answers to one of its calls; raises what the call raised there.

        Raises :class:`CredentialError` where the server has ended, and in a forked process.
        """
        connection = self._connection()
        try:
            connection.send_bytes(json.dumps([name, *arguments]).encode())
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

    def close(self) -> None:
        """End the connections; whatever is still on lease goes back."""
        for connection in self._opened:
            connection.close()

    def after_fork(self) -> None:
        """Close the connections in a forked process: as long as one is open, this worker counts as one that lives."""
        self.close()

    def _connection(self) -> Connection:
        self.check_process()
        if not hasattr(self._local, "connection"):
            try:
                connection = Client(self._address, authkey=self._key)
                connection.send_bytes(json.dumps(self._holder).encode())
            except (OSError, EOFError, AuthenticationError) as error:
                raise CredentialError(
                    f"the process that has the run's throwaways cannot be reached ({type(error).__name__}); "
                    "run the xdist workers on the same machine"
                ) from None
            self._local.connection = connection
            self._opened.append(connection)
        return self._local.connection  # type: ignore[no-any-return]


class SharedBudget(Budget):
    """The run's budget, as a worker sees it."""

    def __init__(self, limit: int, pool: PoolClient) -> None:
        super().__init__(limit)
        self._pool = pool

    @property
    def spent(self) -> int:
        """The creations of the whole run."""
        return int(self._pool.call("spent"))

    def reserve(self, intent: str) -> None:
        """Take a slot; raises :class:`BudgetSpent` when the whole run has none left."""
        self._pool.call("reserve", intent)

    def free(self, intent: str) -> None:
        """Give a slot back."""
        self._pool.call("free", intent)

    def lost(self, intent: str) -> None:
        """Take note that an attempt has no answer."""
        self._pool.call("lost", intent)


def _to_json(credential: Credential) -> dict[str, Any]:
    return {"level": credential.level, "account": credential.account, **to_body(credential)}


def _from_json(value: Mapping[str, Any]) -> Credential:
    return Credential.of(from_body(value["level"], value["account"], value))
