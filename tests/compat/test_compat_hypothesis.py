"""hypothesis' undocumented parts, each as compat/hypothesis.py has it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from pytest_adyen_creds.compat import hypothesis as compat
from pytest_adyen_creds.errors import AdyenCredsError

DISTRIBUTION = "hypothesis"


def test_few_examples() -> None:
    """A test has its settings as `_hypothesis_internal_use_settings`, and `is_hypothesis_test`."""
    seen: list[int] = []

    @settings(max_examples=40, database=None)
    @example(7)
    @given(st.integers())
    def test(number: int) -> None:
        seen.append(number)

    item: Any = SimpleNamespace(obj=test)
    assert compat.is_property(item)
    with compat.few_examples(item):
        test()
    few = len(seen)
    assert 7 in seen
    assert few <= 11
    test()
    assert len(seen) - few > 20, "its own again"


def test_of_a_method() -> None:
    """A bound method has them by its function."""
    seen: list[int] = []

    class TestIt:
        @settings(max_examples=40, database=None)
        @given(st.integers())
        def test(self, number: int) -> None:
            seen.append(number)

    item: Any = SimpleNamespace(obj=TestIt().test)
    with compat.few_examples(item):
        item.obj()
    assert len(seen) <= 10


def test_others_are_left_alone() -> None:
    """A test of pytest's own, and an item without a function, have neither."""
    for item in (SimpleNamespace(obj=len), SimpleNamespace()):
        assert not compat.is_property(item)  # type: ignore[arg-type]
        with compat.few_examples(item):  # type: ignore[arg-type]
            pass


def drawn() -> set[str]:
    """Return texts that are drawn now."""
    seen: set[str] = set()

    @seed(1)
    @settings(max_examples=400, database=None)
    @given(st.text())
    def test(text: str) -> None:
        seen.add(text)

    test()
    return seen


def test_no_constants_of_modules(import_words: Callable[[list[str]], None]) -> None:
    """Constants are looked up by `_get_local_constants`, and the fitting ones are kept in `CONSTANTS_CACHE`."""
    words = {f"written-down-{number}" for number in range(100)}
    import_words(sorted(words))
    with compat.no_constants_of_modules():
        assert not drawn() & words
    assert drawn() & words, "their own tests are as before"
    with compat.no_constants_of_modules():
        assert not drawn() & words


def test_a_release_that_looks_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is generated where `_get_local_constants` is not what looks them up."""
    monkeypatch.delattr(providers, "_get_local_constants")
    with pytest.raises(AdyenCredsError, match="install 'hypothesis>="), compat.no_constants_of_modules():
        pass
