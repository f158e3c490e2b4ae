"""pytest-adyen-creds: throwaway API credentials, contract checks and drift detection for Adyen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract, load_contract

__version__ = "0.1.0"

__all__ = ["Contract", "__version__", "load_contract"]


def __getattr__(name: str) -> Any:
    # the plugin is imported in every pytest run of every environment it is installed in: nothing heavy comes with it
    if name in ("Contract", "load_contract"):
        from pytest_adyen_creds import contract

        return getattr(contract, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
