"""pytest-adyen-creds: throwaway API credentials, contract checks and drift detection for Adyen.

The names here are the types of the public fixtures and of what they give back, for annotations in tests, and
:func:`load_contract`. Each is imported when it is first asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.project import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_adyen_creds.checks.responses import CheckingContract as Contract
    from pytest_adyen_creds.checks.responses import ContractBroken
    from pytest_adyen_creds.client import ManagementClient
    from pytest_adyen_creds.contract import Operation, Violation
    from pytest_adyen_creds.contract.finding import Finding
    from pytest_adyen_creds.contract.mutations import Mutation
    from pytest_adyen_creds.contract.signatures import (
        is_signed_body,
        is_signed_notification,
        sign_body,
        sign_notification,
    )
    from pytest_adyen_creds.credentials.credential import Credential, HandmadeCredential, Origin, Rotation
    from pytest_adyen_creds.credentials.leases import Leases
    from pytest_adyen_creds.drift.collector import Drift
    from pytest_adyen_creds.errors import AdyenCredsError
    from pytest_adyen_creds.sandbox import Clock, Provisioning, Sandbox
    from pytest_adyen_creds.sandbox.customer_area import CustomerArea, NewUser
    from pytest_adyen_creds.sandbox.faults import Fault, Faults
    from pytest_adyen_creds.secrets import Secret
    from pytest_adyen_creds.settings import Settings

__all__ = [
    "AdyenCredsError",
    "Clock",
    "Contract",
    "ContractBroken",
    "Credential",
    "CustomerArea",
    "Drift",
    "Fault",
    "Faults",
    "Finding",
    "HandmadeCredential",
    "Leases",
    "ManagementClient",
    "Mutation",
    "NewUser",
    "Operation",
    "Origin",
    "Provisioning",
    "Rotation",
    "Sandbox",
    "Secret",
    "Settings",
    "Violation",
    "__version__",
    "is_signed_body",
    "is_signed_notification",
    "load_contract",
    "sign_body",
    "sign_notification",
]

_NAMES: Final = {
    "checks.responses": ("CheckingContract", "ContractBroken"),
    "client": ("ManagementClient",),
    "contract": ("Operation", "Violation"),
    "contract.finding": ("Finding",),
    "contract.mutations": ("Mutation",),
    "credentials.credential": ("Credential", "HandmadeCredential", "Origin", "Rotation"),
    "credentials.leases": ("Leases",),
    "drift.collector": ("Drift",),
    "errors": ("AdyenCredsError",),
    "sandbox": ("Clock", "Provisioning", "Sandbox"),
    "sandbox.customer_area": ("CustomerArea", "NewUser"),
    "sandbox.faults": ("Fault", "Faults"),
    "secrets": ("Secret",),
    "settings": ("Settings",),
    "contract.signatures": ("is_signed_body", "is_signed_notification", "sign_body", "sign_notification"),
}
"""Each module, and what is taken from it."""


def load_contract(version: str = "v3", directory: Path | str | None = None) -> Contract:
    """Return the contract of ``version``: the bundled one, or the one in ``directory`` (``VERSION/openapi.yaml``).

    ``version`` may name another API that ``directory`` has a contract of: ``legal-entity/v4``.
    Raises :class:`ContractError` for documents that cannot be compiled and :class:`FileRefused` for unreadable ones.
    """
    from pathlib import Path

    return _load_contract(version, None if directory is None else Path(directory))


@cache
def _load_contract(version: str, directory: Path | None) -> Contract:
    from pytest_adyen_creds import contract

    checking: type[Contract] = __getattr__("Contract")
    return checking.of(contract.load_contract(version, directory))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    # the plugin is imported in every pytest run of every environment it is installed in: nothing heavy comes with it
    name = "CheckingContract" if name == "Contract" else name  # the one that judges responses too
    for module, names in _NAMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
