"""The Dockerfile: built and run where Docker can; and its commands, in an environment and a folder of their own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import httpx
import pytest
import yaml

pytestmark = pytest.mark.slow("a container, or what it would run in an environment of its own")

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docs" / "compose.yaml").read_text(encoding="utf-8"))


def instruction(name: str) -> list[str]:
    """Return what follows each instruction ``name``, in order."""
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def run(command: list[str | Path] | str, seconds: float = 500) -> str:
    shell = isinstance(command, str)
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, shell=shell)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the build context: what .dockerignore leaves of the tree."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    folder = tmp_path_factory.mktemp("context")
    ignored = [line.removeprefix("**/") for line in lines if line.startswith("**/")]
    for name in (line[1:] for line in lines if line.startswith("!")):
        source = ROOT / name
        if source.is_dir():
            skip = shutil.ignore_patterns(*ignored)
            shutil.copytree(source, folder / name, ignore=skip)
        else:
            shutil.copy(source, folder / name)
    assert not [path for path in folder.rglob("*") if any(fnmatch(path.name, pattern) for pattern in ignored)]
    return folder


@pytest.fixture(scope="module")
def programs(context: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new environment that has what the image's RUN lines install."""
    folder = tmp_path_factory.mktemp("image")
    run([sys.executable, "-m", "venv", folder / "venv"])
    wheels = folder / "wheels"
    bin = next(folder.glob("venv/[bS][ic]*"))
    build, install, user = instruction("RUN")
    assert user == "useradd --uid 10001 --no-create-home sandbox && install -d -o sandbox -g sandbox /data"
    for line in (build, install):
        here = line.replace("/wheels", str(wheels)).replace("/source", str(context))
        run(f"PATH={bin}:$PATH {here}")
    return bin


def test_what_it_runs_works_without_docker(programs: Path, tmp_path: Path) -> None:
    (entry,) = map(json.loads, instruction("ENTRYPOINT"))
    (health,) = (json.loads(line.partition(" CMD ")[2]) for line in instruction("HEALTHCHECK"))
    assert entry[-4:] == ["--host", "0.0.0.0", "--port", "8080"]
    for options, scheme in (([], "http"), (["--tls"], "https")):
        # of two ports the last one counts
        command = [programs / entry[0], *entry[1:], "--port", "0", "--state", tmp_path / "state", *options]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            url = httpx.URL(process.stdout.readline().rstrip().partition("=")[2])
            assert url.scheme == scheme
            asking = [part.replace("8080", str(url.port)) for part in health[1:]]
            assert run([programs / health[0], *asking]) == ""
            check = COMPOSE["services"]["adyen-sandbox"]["healthcheck"]["test"]
            composed = [part.replace("8080", str(url.port)) for part in check[2:]]
            if scheme == "http":
                assert run([programs / "python", *composed]) == ""
                answer = httpx.get(f"http://127.0.0.1:{url.port}/v3/me", headers={"Host": f"adyen-sandbox:{url.port}"})
                assert answer.status_code == 401
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.communicate()
        asking = subprocess.run([programs / health[0], *asking], capture_output=True, check=False, timeout=60)
        assert asking.returncode != 0


def test_the_image_is_what_the_page_says() -> None:
    assert instruction("USER") == ["sandbox"]
    assert instruction("EXPOSE") == ["8080"]
    assert instruction("VOLUME") == ["/data"]
    sandbox = COMPOSE["services"]["adyen-sandbox"]
    assert sandbox["command"] == ["--api-key-file", "/run/secrets/adyen_key", "--state", "/data/state"]
    assert all(port.startswith("127.0.0.1:") for port in sandbox["ports"])
    assert COMPOSE["services"]["shop"]["depends_on"]["adyen-sandbox"] == {"condition": "service_healthy"}


@pytest.fixture
def image() -> Iterator[str]:
    if shutil.which("docker") is None:
        pytest.skip("docker is not on this machine")
    if subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("docker has no daemon on this machine")
    base = instruction("FROM")[1]
    there = subprocess.run(["docker", "image", "inspect", base], capture_output=True, check=False, timeout=60)
    if there.returncode:
        fetched = subprocess.run(["docker", "pull", base], capture_output=True, text=True, check=False, timeout=300)
        if fetched.returncode:
            pytest.skip(f"docker cannot fetch {base}: {fetched.stderr.strip()[-200:]}")
    name = f"adyen-sandbox-test-{uuid.uuid4().hex[:12]}"
    run(["docker", "build", "-q", "-t", name, ROOT])
    yield name
    run(["docker", "image", "rm", "-f", name])


def test_the_container_is_healthy_and_answers(image: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("AQE" + "k" * 60)
    key.chmod(0o644)
    tmp_path.chmod(0o755)
    mount, options = f"{key}:/run/key:ro", ["--api-key-file", "/run/key", "--state", "/data/state"]
    published = ["-p", "127.0.0.1::8080"]
    container = run(["docker", "run", "-d", *published, "-v", mount, image, *options]).strip()
    try:
        port = run(["docker", "port", container, "8080"]).rpartition(":")[2].strip()
        asking = 'until [ "$(docker inspect -f "{{.State.Health.Status}}" "$0")" = healthy ]; do sleep 1; done'
        run(["timeout", "120", "sh", "-c", asking, container])
        answer = httpx.get(f"http://127.0.0.1:{port}/v3/me", headers={"X-API-Key": key.read_text()})
        assert answer.json()["username"] == "ws@Company.TestCompany"
        assert run(["docker", "exec", container, "id", "-u"]).strip() == "10001"
    finally:
        run(["docker", "rm", "-f", "-v", container])
