"""A test here holds one undocumented part of another project; where it fails, it says in words what has changed."""

from __future__ import annotations

from collections.abc import Generator
from importlib.metadata import version

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Generator[None, object, object]:
    """Have a failure say which release of what is not as expected, by the test's docstring, and what to mend."""
    try:
        return (yield)
    except Exception as error:
        name = item.module.DISTRIBUTION
        where = f"pytest_adyen_creds/compat/{item.path.stem.removeprefix('test_compat_')}.py"
        words = item.function.__doc__
        raise AssertionError(f"not so in {name} {version(name)}: {words} What relies on it: {where}") from error
