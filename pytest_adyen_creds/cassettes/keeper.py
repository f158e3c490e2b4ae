"""The keeper: a pytest plugin that writes a test's recording once it has passed, and notes whose cassettes are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Set
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_adyen_creds.compat.pytest import fixture_names, set_up_first

if TYPE_CHECKING:
    from pytest_adyen_creds.cassettes.traffic import Traffic

TALKING: Final = frozenset(
    {
        "adyen_async_client",
        "adyen_balance_platform_credential",
        "adyen_client",
        "adyen_credential",
        "adyen_credentials",
        "adyen_lem_credential",
        "adyen_management",
        "adyen_sandbox",
        "adyen_sdk",
        "adyen_traffic",
    }
)
"""The fixtures that talk to Adyen: the traffic of a test that uses one is answered by the backend in use."""

DESELECTED: Final = pytest.StashKey[bool]()
"""Whether any test that was collected is not to run."""

_TRAFFIC: Final = pytest.StashKey["Traffic"]()
_UNFINISHED: Final = pytest.StashKey[bool]()


def prepare(item: pytest.Item) -> None:
    """Have the traffic of ``item`` answered before anything else of it begins, where it uses the plugin."""
    if not TALKING.isdisjoint(fixture_names(item)):
        set_up_first(item, "adyen_traffic")


def cassette_of(item: pytest.Item) -> Path:
    """Return where the cassette of ``item`` lies, or would: beside its file, as pytest-recording lays it out.

    Where pytest-recording records the test as well, ``TEST.yaml`` is that tool's, and ``TEST.adyen.yaml`` is ours.
    """
    from pytest_adyen_creds.cassettes.storage import cassette_path

    of_class = getattr(item, "cls", None)
    suffix = ".adyen" if is_recorded_elsewhere(item) else ""
    return cassette_path(item.path, of_class.__name__ if of_class else None, item.name + suffix)


def is_recorded_elsewhere(item: pytest.Item) -> bool:
    """Tell whether pytest-recording (or pytest-vcr) records ``item``."""
    return item.get_closest_marker("vcr") is not None


def attach(item: pytest.Item, traffic: Traffic) -> None:
    """Keep ``traffic`` until ``item`` has ended."""
    item.stash[_TRAFFIC] = traffic
    item.stash[_UNFINISHED] = True


class Keeper:
    """Writes recordings, and after a full run the list of the cassettes that tests own.

    ``recordings`` are the cassettes that answered so far. ``kept`` is where to count the recordings that were
    ``written``, and those that were not because the test ``failed``.
    """

    def __init__(self, recordings: Set[Path], kept: Counter[str]) -> None:
        self._recordings = recordings
        self._kept = kept

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note whether the test passed."""
        report = yield
        if report.when == "call" and _TRAFFIC in item.stash:
            item.stash[_UNFINISHED] = not report.passed
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """After a test that passed, its teardown included: write its recording, or say what it asked for in vain."""
        yield
        traffic = item.stash.get(_TRAFFIC, None)
        if traffic is not None:
            del item.stash[_TRAFFIC]
            if not item.stash[_UNFINISHED]:
                traffic.check()
                self._kept["written"] += traffic.save()
            elif traffic.recording is not None:
                self._kept["failed"] += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """After a run of everything, note which cassettes its tests own: ``cassettes check --unused`` reads it."""
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or not _is_full(session.config):
            return
        if not session.items:  # xdist's controller: its workers know what was collected
            return
        owned = {path for item in session.items for path in _owned(item)}
        owned.update(_beside(self._recordings - owned))
        if any(path.is_file() for path in owned):
            from pytest_adyen_creds.cassettes.staleness import save_in_use

            # where nothing can be written, `cassettes check --unused` has nothing to read, and says so
            with suppress(OSError):
                save_in_use(session.config.invocation_params.dir, owned)


def _beside(paths: Set[Path]) -> Iterator[Path]:
    # the contract suite has cassettes for each version of the contract, and asks for those of one
    from pytest_adyen_creds.cassettes.storage import find_cassettes

    for folder in {path.parent.parent for path in paths}:
        yield from find_cassettes(folder)


def _is_full(config: pytest.Config) -> bool:
    options = config.option
    names = ("lf", "ignore", "ignore_glob", "continue_on_collection_errors", "collectonly", "stepwise")
    if DESELECTED in config.stash or any(getattr(options, name, None) for name in names):
        return False
    folder, root = config.invocation_params.dir, config.rootpath
    given = {folder / arg for arg in config.args}
    everything = {root / path for path in config.getini("testpaths")} or {root}
    return folder in given or root in given or everything <= given


def _owned(item: pytest.Item) -> Iterator[Path]:
    names = fixture_names(item)
    if not TALKING.isdisjoint(names) and "adyen_sandbox" not in names:
        yield cassette_of(item)
    if is_recorded_elsewhere(item):
        yield from _of_pytest_recording(item)


def _of_pytest_recording(item: pytest.Item) -> Iterable[Path]:
    path = cassette_of(item)
    own = path.with_name(path.name.replace(".adyen.yaml", ".yaml"))
    markers: list[Any] = [*item.iter_markers("vcr"), *item.iter_markers("default_cassette")]
    names = [name for marker in markers for name in marker.args if isinstance(name, str)]
    return [own, *(path.parent / name for name in names)]
