"""Fixtures that the tests share."""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import certifi
import hypothesis
import pytest
from _pytest.pytester import SysModulesSnapshot
from hypothesis.internal.conjecture import providers
from on_ci import ON_CI
from plugins import ALONE

from pytest_adyen_creds.compat import sockets
from pytest_adyen_creds.intercept import floor
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.secrets.registry import SecretRegistry

# A test's time says more about the machine than about the code. On CI the same examples come every time, so that a
# change fails by its own fault; everywhere else they are new ones, and fewer: a person waits.
hypothesis.settings.register_profile("house", deadline=None, derandomize=ON_CI, max_examples=50 if ON_CI else 25)
# mutmut runs each test twice in one process, the second time another way, and in one that is forked off
hypothesis.settings.register_profile(
    "mutants",
    hypothesis.settings.get_profile("house"),
    suppress_health_check=[hypothesis.HealthCheck.differing_executors, hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("mutants" if "MUTANT_UNDER_TEST" in os.environ else "house")

pytest_plugins = ["pytester"]

MADE_BY_IMPORT: Final[pytest.StashKey[frozenset[str]]] = pytest.StashKey()

INSTALLED: Final = (sys.prefix, sys.base_prefix, str(Path(floor.__file__).parents[1]))

PUBLISHED = Path(__file__).resolve().parents[2] / "shared" / "adyen"


@pytest.fixture(scope="session")
def published() -> Path:
    """Return the folder of Adyen's published documents; skip where it is not there."""
    if not PUBLISHED.is_dir():
        pytest.skip("the published documents are not beside this checkout")
    return PUBLISHED


@pytest.fixture(autouse=True, scope="session")
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have each TLS context trust one authority: all those of certifi take longer to load than a test lasts."""
    end = "-----END CERTIFICATE-----"
    path = tmp_path_factory.mktemp("authority") / "one.pem"
    path.write_text(Path(certifi.where()).read_text(encoding="utf-8").partition(end)[0] + end + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield


@pytest.fixture(autouse=True, scope="session")
def _characters_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have Hypothesis look up once for all runs which characters there are: it takes each process two seconds."""
    known, folder = Path(__file__).parents[1] / ".hypothesis" / "unicode_data", tmp_path_factory.mktemp("hypothesis")
    with contextlib.suppress(OSError):  # where nothing can be written, or Windows makes no links
        known.mkdir(parents=True, exist_ok=True)
        (folder / known.name).symlink_to(known, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", str(folder))
        yield


@pytest.fixture
def each_module_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the floor look through each module of this process once, not all two thousand each time it is laid."""
    monkeypatch.setattr(floor, "imported_early", imported_early)


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, each_module_once: None) -> pytest.Pytester:
    """Return pytest's own ``pytester``, whose runs keep their tests in order and load less."""
    # test_plugin_compatibility.py and test_intercept_beside.py have all plugins, and a test that needs one asks for it
    monkeypatch.setenv("PYTEST_ADDOPTS", ALONE)
    # each run asks for all plugins of this machine, file by file
    every = importlib.metadata.distributions
    monkeypatch.setattr(
        importlib.metadata, "distributions", lambda **asked: every(**asked) if asked else installed(tuple(sys.path))
    )
    monkeypatch.setattr("_pytest.pytester.SysModulesSnapshot", ModulesOfTheRun)
    return pytester


@pytest.fixture
def recording(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the runs of ``pytester``, each a process of its own, use pytest-recording too."""
    if importlib.util.find_spec("pytest_recording") is None:
        pytest.skip("needs pytest-recording")
    monkeypatch.setenv("PYTEST_ADDOPTS", f"{ALONE} -p recording")


LOOKED_THROUGH: dict[int, Any] = {}
"""The modules that were there when a run looked for what they had imported of the socket module."""

IMPORTED_EARLY: list[tuple[Any, str]] = []
"""What they had imported."""


def imported_early(modules: list[Any]) -> list[tuple[Any, str]]:
    """Return what modules have imported of the socket module, each looked through once."""
    new = {id(module): module for module in modules if id(module) not in LOOKED_THROUGH}
    LOOKED_THROUGH.update(new)  # they stay, and so do their ids
    IMPORTED_EARLY.extend(sockets.imported_early(new.values()))
    return list(IMPORTED_EARLY)


class ModulesOfTheRun(SysModulesSnapshot):
    """What a run within a test imports of its own is forgotten; what is installed stays, and is imported once."""

    def __init__(self, preserve: Callable[[str], bool]) -> None:
        super().__init__(lambda name: preserve(name) or is_installed(sys.modules[name]))


def is_installed(module: Any) -> bool:
    """Return whether a module is Python's, a library's or this package's, and not that of a test."""
    return str(getattr(module, "__file__", None)).startswith(INSTALLED)


@cache
def installed(path: tuple[str, ...]) -> list[InstalledOnce]:
    """Return what is installed in the folders ``path``, looked up once."""
    return [InstalledOnce(each) for each in importlib.metadata.distributions(path=list(path))]


class InstalledOnce:
    """A distribution that reads its files once."""

    def __init__(self, distribution: importlib.metadata.Distribution) -> None:
        self._distribution = distribution

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._distribution, name)
        if name in ("entry_points", "files", "metadata", "version"):
            setattr(self, name, value)
        return value


def _known_again(values: frozenset[str]) -> None:
    """Have this process know the secrets ``values`` and no others, where it has met some since."""
    if len(SECRETS) == len(values):
        return
    registry = SecretRegistry()
    for value in values:
        registry.add(value)
    vars(SECRETS).update(vars(registry))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Have garbage be looked for among what the tests make only, and more seldom: what is there now stays anyway."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 20)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Know the secrets that a file made when it was imported while its own tests run: see below."""
    before = SECRETS.values()
    report = yield
    collector.stash[MADE_BY_IMPORT] = SECRETS.values() - before
    _known_again(before)
    return report


@pytest.fixture(autouse=True, scope="session")
def _secrets_before() -> frozenset[str]:
    """Return the secrets that are known before any test, or what it asks for, has made one."""
    return SECRETS.values()


@pytest.fixture(autouse=True, scope="module")
def _secrets_of_the_file(request: pytest.FixtureRequest, _secrets_before: frozenset[str]) -> Iterator[None]:
    """Forget the secrets of a file when it ends: where one is known, all that tests show is searched for it."""
    for value in request.node.stash[MADE_BY_IMPORT]:
        SECRETS.add(value)
    yield
    _known_again(_secrets_before)


@pytest.fixture
def import_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[str]], None]]:
    """Return what imports a module with words in it, the only one that Hypothesis takes for the project's."""
    monkeypatch.setattr(providers, "is_local_module_file", lambda path: path.startswith(str(tmp_path)))
    monkeypatch.setattr(providers, "_local_constants", type(providers._local_constants)())
    monkeypatch.setattr(providers, "CONSTANTS_CACHE", type(providers.CONSTANTS_CACHE)(100))
    monkeypatch.syspath_prepend(tmp_path)

    def imports(words: list[str]) -> None:
        (tmp_path / "written_down.py").write_text(f"WORDS = {words}", encoding="utf-8")
        importlib.import_module("written_down")
        # it is looked up where as many modules were there before, and one that is gone had its id
        monkeypatch.setattr(providers, "_sys_modules_len", None)
        monkeypatch.setattr(providers, "_seen_modules", set())

    yield imports
    sys.modules.pop("written_down", None)


@pytest.fixture
def own_secrets() -> Iterator[None]:
    """Have the test know no secrets but its own: others of this process may share a piece with what it writes."""
    before = dict(vars(SECRETS))
    vars(SECRETS).update(vars(SecretRegistry()))
    yield
    vars(SECRETS).update(before)
