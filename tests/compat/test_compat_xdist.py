"""pytest-xdist's undocumented parts, each as compat/xdist.py has it."""

from __future__ import annotations

import pytest

from pytest_adyen_creds.compat import xdist as compat

pytest.importorskip("xdist")

DISTRIBUTION = "pytest-xdist"


@pytest.mark.slow("workers")
def test_controller(pytester: pytest.Pytester) -> None:
    """A controller of workers, and no other process, has the plugin "dsession"."""
    found = []

    class Plugin:
        def pytest_collection_modifyitems(self, config):
            found.append(compat.has_workers(config))

        def pytest_sessionfinish(self, session):
            found.append(compat.has_workers(session.config))

    pytester.makeconftest(
        """
        from pytest_adyen_creds.compat.xdist import has_workers

        def pytest_runtest_setup(item):
            assert not has_workers(item.config), "in a worker"
        """
    )
    pytester.makepyfile("def test_it(): pass")
    pytester.inline_run("-n1", plugins=[Plugin()]).assertoutcome(passed=1)
    assert found == [True]
    found.clear()
    pytester.inline_run("-n0", plugins=[Plugin()]).assertoutcome(passed=1)
    assert found == [False, False]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(("-n1",), True, marks=pytest.mark.slow("workers")),
        pytest.param(("--dist=load", "--tx=popen"), True, marks=pytest.mark.slow("workers")),
        (("-n0",), False),
        ((), False),
    ],
)
def test_whether_workers_will_run(pytester: pytest.Pytester, arguments: tuple[str, ...], expected: bool) -> None:
    """`dist` and `tx` say so before the controller's plugin is there."""
    found = []

    class Plugin:
        @pytest.hookimpl(tryfirst=True)
        def pytest_configure(self, config):
            found.append((compat.is_distributed(config), compat.has_workers(config)))

    pytester.makepyfile("def test_it(): pass")
    pytester.inline_run(*arguments, plugins=[Plugin()]).assertoutcome(passed=1)
    assert found == [(expected, False)]


@pytest.mark.slow("workers")
def test_results(pytester: pytest.Pytester) -> None:
    """A worker's `config.workeroutput` becomes the controller's `node.workeroutput`; `node.gateway.id` names it."""
    found = []

    class Plugin:
        def pytest_testnodedown(self, node):
            found.append((compat.name_of(node), compat.results_of(node)))

    pytester.makeconftest(
        """
        import pytest
        from pytest_adyen_creds.compat.xdist import hand_over

        @pytest.hookimpl(trylast=True)
        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput"):
                hand_over(session.config, {"seen": [1, 2]})
        """
    )
    pytester.makepyfile("def test_it(): pass")
    pytester.inline_run("-n1", "-p", "no:adyen_creds", plugins=[Plugin()]).assertoutcome(passed=1)
    assert found == [("gw0", {"seen": [1, 2]})]
