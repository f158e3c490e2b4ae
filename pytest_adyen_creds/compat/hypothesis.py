"""hypothesis: its undocumented parts that this package uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from pytest_adyen_creds.errors import AdyenCredsError

if TYPE_CHECKING:
    import pytest

_SETTINGS: Final = "_hypothesis_internal_use_settings"
_MOST: Final = 10
"""Examples of a run that is one of many."""


def is_property(item: pytest.Item) -> bool:
    """Return whether ``item`` is a test that hypothesis gives examples to."""
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


@contextmanager
def few_examples(item: pytest.Item) -> Iterator[None]:
    """Give ``item`` few examples in a ``with`` block, and show the first that fails as it is; keep none.

    A test that is none of hypothesis' is left as it is.
    """
    if not is_property(item):
        yield
        return
    hypothesis = sys.modules["hypothesis"]
    test = getattr(item.obj, "__func__", item.obj)  # type: ignore[attr-defined]
    own = getattr(test, _SETTINGS)
    phases = [each for each in own.phases if each.name in ("explicit", "generate")]
    fewer = hypothesis.settings(own, max_examples=min(own.max_examples, _MOST), phases=phases, database=None)
    with patch.object(test, _SETTINGS, fewer):
        yield


@contextmanager
def no_constants_of_modules() -> Iterator[None]:
    """Draw nothing, in a ``with`` block, that stands in the source of some module.

    Hypothesis tries what it finds in all modules of the project under test: what is drawn would differ by what is
    imported, and a password that a test has written down would be sent and recorded. Raises AdyenCredsError under a
    release that looks for them elsewhere.
    """
    from hypothesis import __version__
    from hypothesis.internal.cache import LRUCache
    from hypothesis.internal.conjecture import providers
    from hypothesis.internal.constants_ast import Constants

    if not hasattr(providers, "_get_local_constants"):
        raise AdyenCredsError(
            f"hypothesis {__version__} may send words from your modules; install 'hypothesis>=6.132,<=6.170.17'"
        )
    with (
        patch.object(providers, "_get_local_constants", Constants),
        patch.object(providers, "CONSTANTS_CACHE", LRUCache(providers.CONSTANTS_CACHE.max_size)),
    ):
        yield
