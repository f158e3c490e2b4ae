"""What CI runs, each by one word: ``nox -s tests``; ``nox -l`` lists them, and pytest gets what follows ``--``.

``.ci/run`` and the workflows run these sessions and define nothing themselves. Where uv is installed it installs.
"""

from __future__ import annotations

import filecmp
import os
import re
import shlex
import shutil
import tempfile
import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).parent
VERSIONS = ("3.14", "3.13", "3.12", "3.11")
TRIED = VERSIONS[1:]  # on these the tests were run; 3.14 has not been tried yet
ALL = ("-m", "slow or not slow")

# What differs between Pythons: the compiler, HTTP, sockets, processes and the plugin, but no long scripts.
ON_EACH = (
    "tests/contract/test_contract_core_types.py",
    "tests/settings",
    "tests/cli/test_cli.py",
    "tests/compat",
    "tests/cassettes/test_cassettes_serializer.py",
    "tests/credentials/test_credentials_fixtures.py",
    "tests/intercept/test_intercept_floor.py",
)
# The oldest differs most, and is run with the oldest pytest as well; of these files without what is slow.
ON_OLDEST = (
    "tests/contract/test_contract_export.py",
    "tests/sandbox/test_sandbox_life.py",
    "tests/sandbox/test_sandbox_sdk.py",
    "tests/sandbox/test_sandbox_server.py",
    "tests/sandbox/test_sandbox_tls.py",
    "tests/sandbox/test_sandbox_state_file.py",
    "tests/test_readme.py",
)

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint"]

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of tests start Python: bytecode on disk halves their time
for _version in VERSIONS:  # pyenv's own pythonX.Y is a stub, which fails for a version that is installed and not chosen
    _folder = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for _each in sorted(_folder.glob(f"{_version}.*/bin"), key=lambda each: int(each.parent.name.split(".")[2])):
        os.environ["PATH"] = f"{_each}{os.pathsep}{os.environ['PATH']}"


def find_python(version: str) -> str | None:
    """Return the program of a version, or nothing where this machine has none."""
    found = shutil.which(f"python{version}")
    return None if found is None or "shims" in Path(found).parts else found


NEWEST = next((version for version in TRIED if find_python(version)), None)


def run_readme(session: nox.Session, number: int, *arguments: str, beside: tuple[str, ...] = ()) -> None:
    """Run one of README's two set-up commands, with more arguments at its end and more packages beside its own."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python -m pip install -e ")]
    if len(commands) < 2:
        session.error("README.md has no two set-up commands")
    session.log(f"README: {commands[number]}")
    *parts, last = (shlex.split(part) for part in commands[number].split(" && "))
    for part in parts:
        session.install(*part[part.index("install") + 1 :], *beside)
    session.run(*last, *arguments)


def run_suite(session: nox.Session) -> None:
    """Run the contract suite over its recordings, for each version of the API."""
    session.run("pytest", "-q", "--adyen-contracts", "contracts")
    session.run("pytest", "-q", "--adyen-contracts", "--adyen-api-version=v1", "contracts")


@nox.session
def tests(session: nox.Session) -> None:
    """README's test command: all tests but the slow ones, on the Python that runs nox."""
    run_readme(session, 1, *session.posargs)


@nox.session(python=NEWEST, venv_backend="venv")
def slow(session: nox.Session) -> None:
    """README's two commands to the letter, the slow tests and the contract suite too, on the newest Python."""
    run_readme(session, 0)
    run_readme(session, 1, *ALL, *(session.posargs or ["--durations=25"]))
    run_suite(session)


def _on(version: str) -> None:
    oldest = version == VERSIONS[-1]

    @nox.session(name=f"tests-{version}", python=version)
    def tests_on(session: nox.Session) -> None:
        run_readme(session, 0)
        run_readme(session, 1, *ALL, *(session.posargs or ON_EACH), beside=("pytest<9",) if oldest else ())
        if oldest and not session.posargs:
            session.run("python", "-m", "pytest", "-n", "auto", *ON_OLDEST)
        run_suite(session)

    tests_on.__doc__ = f"README's two commands with what differs between Pythons, on {version}."


for _version in VERSIONS:
    _on(_version)


@nox.session(python=NEWEST)
def lint(session: nox.Session) -> None:
    """Style, types, workflows and the contract's documents."""
    session.install("-e", ".[lint]")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure")
    shown = Path(
        session.create_tmp()
    ).resolve()  # README's examples under pyright; tests/test_typing.py has mypy read them
    for earlier in shown.iterdir():
        earlier.unlink()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for number, block in enumerate(readme.split("\n```python\n")[1:], 1):
        (shown / f"test_{number}.py").write_text(block.partition("\n```")[0] + "\n", encoding="utf-8")
    (shown / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    with session.chdir(shown):
        session.run("pyright", ".")
    session.run("adyen-creds", "contract", "lint")


@nox.session(python=NEWEST)
def docs(session: nox.Session) -> None:
    """The documentation site into build/docs; each warning and each dead link fails."""
    session.install("-e", ".[docs]")
    session.run("python", "docs/check.py", *(session.posargs or ["build/docs"]))


@nox.session(python=NEWEST)
def examples(session: nox.Session) -> None:
    """Tests and types of each project in docs/examples, in one environment."""
    folders = sorted({path.parent for path in (ROOT / "docs" / "examples").glob("*/*") if path.name in _REQUIRES})
    if not folders:
        session.skip("docs/examples has no project")
    wanted = ["-e", "."]
    for folder in folders:
        for name, arguments in _REQUIRES.items():
            if (folder / name).is_file():
                wanted += arguments(folder)
    session.install(*wanted)
    known = {"MYPY_CACHE_DIR": str(Path(session.create_tmp()).resolve() / "mypy")}  # what they import is the same
    for folder in folders:
        with session.chdir(folder):
            session.run("pytest", "-q", *session.posargs)
            session.run("mypy", env=known)


@nox.session(python=NEWEST)
def record(session: nox.Session) -> None:
    """Record the suite, in both versions, and the examples again from the sandbox, and check the recordings."""
    folders = sorted(path.parents[1] for path in (ROOT / "docs" / "examples").glob("*/tests/test_recorded.py"))
    session.install("-e", ".", *(each for folder in folders for each in _project(folder)))
    anew = ("pytest", "-q", "--adyen-backend=sandbox", "--adyen-record=all")
    for version in ("v3", "v1"):
        session.run(*anew, "--adyen-contracts", f"--adyen-api-version={version}", "contracts")
    for folder in folders:
        with session.chdir(folder):
            session.run(*anew, "tests/test_recorded.py")
    session.run("adyen-creds", "cassettes", "check", "cassettes", "docs/examples")
    run_suite(session)


def _project(folder: Path) -> list[str]:
    """Return what installs an example that is a package, with its ``test`` extra where it has one."""
    extras = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    return ["-e", f"{folder}[test]" if "test" in extras.get("optional-dependencies", {}) else str(folder)]


_REQUIRES = {
    "pyproject.toml": _project,
    "requirements.txt": lambda folder: ["-r", str(folder / "requirements.txt")],
}


@nox.session(python=NEWEST, reuse_venv=False)
def wheel(session: nox.Session) -> None:
    """Wheel and sdist into dist/: checked, built twice to the same bytes, installed on each Python."""
    session.install("build", "twine", "check-wheel-contents", "uv")
    temporary, dist = Path(session.create_tmp()).resolve(), ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    again, direct = temporary / "again", temporary / "direct"
    for folder, kinds in ((dist, ()), (again, ()), (direct, ("--wheel",))):  # without kinds the wheel is the sdist's
        shutil.rmtree(folder, ignore_errors=True)
        session.run("python", "-m", "build", "--installer=uv", *kinds, "--outdir", str(folder), ".", silent=True)
    built = sorted(path.name for path in dist.iterdir())
    for folder, names in ((again, built), (direct, [name for name in built if name.endswith(".whl")])):
        same, other, missing = filecmp.cmpfiles(dist, folder, names, shallow=False)
        if other or missing or not same:
            session.error(f"built again, these are not the same bytes: {', '.join(other + missing)}")
    session.log(f"the same bytes when built again, and the sdist builds the tree's wheel: {', '.join(built)}")
    paths = [str(dist / name) for name in built]
    session.run("twine", "check", "--strict", *paths)
    wheels = [path for path in paths if path.endswith(".whl")]
    session.run("check-wheel-contents", *wheels)
    for version in VERSIONS:
        python = find_python(version)
        if python is None:
            session.log(f"Python {version}: not on this machine, the wheel was not installed on it")
            continue
        with tempfile.TemporaryDirectory() as folder:  # nothing of the checkout is found from there
            session.run("uv", "venv", "-q", "-p", python, f"{folder}/venv")
            programs = Path(folder, "venv", "Scripts" if os.name == "nt" else "bin")
            session.run("uv", "pip", "install", "-q", "--python", str(programs / "python"), *wheels)
            nowhere = Path(folder, "nowhere")
            nowhere.mkdir()
            with session.chdir(nowhere):
                session.run(str(programs / "adyen-creds"), "check", "--quiet", external=True)
                session.run(str(programs / "pytest"), "-q", "--adyen-contracts", external=True)


@nox.session(python=NEWEST)
def sbom(session: nox.Session) -> None:
    """List what the wheel in dist/ brings with it: build/sbom.cdx.json, CycloneDX."""
    wheels = [str(path) for path in (ROOT / "dist").glob("*.whl")]
    if len(wheels) != 1:
        session.error("dist/ has no wheel, or several: nox -s wheel builds it")
    session.install("cyclonedx-bom>=7", "uv")
    runtime = Path(session.create_tmp()).resolve() / "runtime"
    session.run("uv", "venv", "-q", "--clear", str(runtime))
    session.run("uv", "pip", "install", "-q", "--python", str(runtime), *wheels)
    (ROOT / "build").mkdir(exist_ok=True)
    output = ("--output-reproducible", "--of", "JSON", "-o", "build/sbom.cdx.json")
    session.run("cyclonedx-py", "environment", "--pyproject", "pyproject.toml", *output, str(runtime))


@nox.session(python=NEWEST, venv_backend="uv", reuse_venv=False)
def lowest(session: nox.Session) -> None:
    """README's test command, with the lowest versions that pyproject.toml allows."""
    session.install("--resolution", "lowest-direct", "-e", ".[test]")
    session.run("python", "-m", "pytest", "-n", "auto", *session.posargs)


@nox.session(python=NEWEST, reuse_venv=False)
def newest(session: nox.Session) -> None:
    """Which releases beyond our caps are out, and whether tests/compat passes with them; never fails."""
    session.install("-e", ".[test]", "pip")
    session.run("python", ".ci/newest.py")


@nox.session(python=NEWEST)
def beside(session: nox.Session) -> None:
    """No secret shows, whatever plugins people have beside this one."""
    session.install("-e", ".[beside]")
    canaries = session.posargs or ("--short", "--canaries", "34", "--seed", "1")
    session.run("python", "tests/secrets/canaries_beside.py", *canaries)


@nox.session(python=NEWEST)
def mutants(session: nox.Session) -> None:
    """Change the modules that guard, one place at a time: a quarter of an hour, or less with a pattern of modules."""
    session.install("-e", ".[test]", "mutmut>=3.3")
    session.run("mutmut", "run", *session.posargs)
    session.run("mutmut", "results")


@nox.session(python=NEWEST)
def changelog(session: nox.Session) -> None:
    """Show what CHANGELOG.md will say of the next release; ``-- build --version 0.2.0`` writes it."""
    session.install("towncrier>=24.8")
    session.run("towncrier", *(session.posargs or ("build", "--draft", "--version", "next")))


@nox.session(venv_backend="none")
def notes(session: nox.Session) -> None:
    """Write CHANGELOG.md's section of a release (``-- v0.1.0``) to build/notes.md, or say what it is not ready for."""
    version = session.posargs[0].removeprefix("v") if session.posargs else ""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if version != project["version"]:
        session.error(f"pyproject.toml says version {project['version']}, not {version or 'nothing'}")
    left = [path.name for path in (ROOT / "changes").iterdir() if path.name != "README.md"]
    if left:
        session.error(f"not in CHANGELOG.md yet: {', '.join(left)}; nox -s changelog -- build --version {version}")
    sections = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1:]
    dated = rf"{re.escape(version)}, \d{{4}}-\d\d-\d\d\n"
    section = next((section for section in sections if re.match(dated, section)), None)
    if section is None:
        session.error(f"CHANGELOG.md has no section that begins '## {version}, YEAR-MONTH-DAY'")
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "notes.md").write_text(section.partition("\n")[2].strip() + "\n", encoding="utf-8")
