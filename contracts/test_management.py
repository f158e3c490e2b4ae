"""The contract suite: every operation of Adyen's API-credential surface, held to the contract.

``pytest --adyen-contracts`` adds it to any run. Who answers is the run's business: cassettes (the default), the
embedded sandbox (``--adyen-backend=sandbox``) or Adyen's test endpoint (``--adyen-live``); the checks are the same.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.adyen_contract


def test_operation(adyen_operation: Any, adyen_suite: Any) -> None:
    """Status, content type, headers and body of each answer are what the contract documents."""
    failures = adyen_suite.check(adyen_operation)
    if failures is None:
        pytest.skip("a live run reads: it changes nothing")
    if failures:
        pytest.fail("\n\n".join(map(str, failures)), pytrace=False)
