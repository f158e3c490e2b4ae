"""The contract: JSON Structure documents and OpenAPI operations, compiled, and bodies judged by them."""

from pytest_adyen_creds.contract.contract import VERSIONS, Contract, bundled, load_contract
from pytest_adyen_creds.contract.operations import Operation, Parameter
from pytest_adyen_creds.contract.validation import Violation

__all__ = ["VERSIONS", "Contract", "Operation", "Parameter", "Violation", "bundled", "load_contract"]
