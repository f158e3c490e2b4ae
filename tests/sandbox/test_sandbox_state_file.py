"""The state file: what it keeps over restarts, what it never holds, and what becomes of files that are none of ours."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_adyen_creds.errors import FileRefused, SandboxError
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.faults import FaultKind
from pytest_adyen_creds.secrets import MASK, Secret

COMPANY = "/companies/TestCompany/apiCredentials"
ROLES = {"roles": ["Management API - API credentials read and write"]}
GIVEN = "AQE" + "given" * 12


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state"


def start(path: Path, **options: Any) -> closing[Sandbox]:
    return closing(Sandbox(state_file=path, **options))


def client(sandbox: Sandbox, key: str | None = None, **options: Any) -> httpx.Client:
    headers = {"X-API-Key": key or sandbox.provisioning.api_key.reveal()} if "auth" not in options else {}
    return httpx.Client(transport=sandbox.transport(), base_url="http://s.test/v3", headers=headers, **options)


def on_disk(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(path.parent.iterdir()))


def test_credentials_go_on_as_they_were(path):
    body = {
        "roles": ["Management API - API credentials read and write"],
        "description": "mine",
        "allowedOrigins": ["https://shop.example", "https://*.shop.example"],
        "associatedMerchantAccounts": ["TestMerchant"],
    }
    with start(path) as sandbox:
        admin = client(sandbox)
        one = admin.post(COMPANY, json=body).json()
        new_key = admin.post(f"{COMPANY}/{one['id']}/generateApiKey").json()["apiKey"]
        new_client_key = admin.post(f"{COMPANY}/{one['id']}/generateClientKey").json()["clientKey"]
        other = admin.post("/merchants/TestMerchant/apiCredentials").json()
        admin.patch(f"{COMPANY}/{other['id']}", json={"active": False})
        user = sandbox.customer_area.create_balance_platform_user(description="by hand")
        sandbox.customer_area.set_allowed_ips(one["id"], ["127.0.0.0/8"])
        before = admin.get(f"{COMPANY}?pageSize=100").json()
        by_hand = [credential.id for credential in sandbox.customer_area.credentials()]
    for _ in range(2):
        with start(path) as sandbox:
            assert client(sandbox).get(f"{COMPANY}?pageSize=100").json() == before
            assert [credential.id for credential in sandbox.customer_area.credentials()] == by_hand
            for key in (one["apiKey"], new_key):
                assert client(sandbox, key).get("/me").json()["clientKey"] == new_client_key
            for client_key in (one["clientKey"], new_client_key):
                assert sandbox.customer_area.accepts_client_key(client_key, "https://shop.example")
            assert client(sandbox, auth=(one["username"], one["password"])).get("/me").status_code == 200
            assert client(sandbox, auth=(one["username"], one["password"] + "x")).get("/me").status_code == 401
            assert client(sandbox, other["apiKey"]).get("/me").status_code == 401
            assert client(sandbox, one["clientKey"]).get("/me").status_code == 401
            assert client(sandbox, user.api_key.reveal()).get("/me").status_code == 403


def test_expiry_times_and_the_clock_go_on(path):
    with start(path) as sandbox:
        admin = client(sandbox)
        one = admin.post(COMPANY, json=ROLES).json()
        sandbox.clock.advance(hours=100)
        new_key = admin.post(f"{COMPANY}/{one['id']}/generateApiKey").json()["apiKey"]
        sandbox.clock.advance(hours=23)
        now = sandbox.clock.now()
    with start(path) as sandbox:
        assert abs((sandbox.clock.now() - now).total_seconds()) < 3600
        assert client(sandbox, one["apiKey"]).get("/me").status_code == 200
        sandbox.clock.advance(hours=2)
        assert client(sandbox, one["apiKey"]).get("/me").status_code == 401
        assert client(sandbox, new_key).get("/me").status_code == 200
    with start(path) as sandbox:
        assert client(sandbox, one["apiKey"]).get("/me").status_code == 401
        assert client(sandbox, new_key).get("/me").status_code == 200


def test_what_is_made_after_a_restart_can_be_used_like_any_other(path):
    with start(path) as sandbox:
        one = client(sandbox).post(COMPANY, json=ROLES).json()
    with start(path) as sandbox:
        admin = client(sandbox)
        newer = admin.post(f"{COMPANY}/{one['id']}/generateApiKey").json()["apiKey"]
        assert client(sandbox, newer).get("/me").status_code == 200
        assert client(sandbox, one["apiKey"]).get("/me").status_code == 200
        password = sandbox.customer_area.generate_password(one["id"]).reveal()
        sandbox.customer_area.expire_previous_key(one["id"])
    with start(path) as sandbox:
        assert client(sandbox, newer).get("/me").status_code == 200
        assert client(sandbox, one["apiKey"]).get("/me").status_code == 401
        assert client(sandbox, auth=(one["username"], password)).get("/me").status_code == 200
        assert client(sandbox, auth=(one["username"], one["password"])).get("/me").status_code == 401


def test_without_a_given_key_each_start_has_a_new_one_and_the_earlier_dies(path):
    keys = []
    for _ in range(3):
        with start(path) as sandbox:
            keys.append((sandbox.provisioning.id, sandbox.provisioning.api_key.reveal()))
            assert client(sandbox).get("/me").status_code == 200
            for _, earlier in keys[:-1]:
                assert client(sandbox, earlier).get("/me").status_code == 401
    assert len({id for id, _ in keys}) == 1
    assert len({key for _, key in keys}) == 3


def test_a_given_key_is_that_of_each_start(path):
    with start(path) as sandbox:
        first = sandbox.provisioning.api_key.reveal()
        one = client(sandbox).post(COMPANY, json=ROLES).json()
    with start(path, api_key=Secret(GIVEN)) as sandbox:
        assert client(sandbox, GIVEN).get("/me").json()["username"] == "ws@Company.TestCompany"
        assert client(sandbox, first).get("/me").status_code == 401
    with pytest.raises(SandboxError, match="give the provisioning one"):
        start(path, api_key=Secret(one["apiKey"]))
    with start(path, api_key=Secret(GIVEN)) as sandbox:
        assert client(sandbox, GIVEN).get("/me").status_code == 200


@pytest.mark.parametrize("answers", ["platform", "published"])
@pytest.mark.parametrize("seed", [7, None])
def test_no_id_and_no_secret_comes_twice(path, answers, seed):
    seen: dict[str, list[str]] = {name: [] for name in ("id", "username", "apiKey", "password", "clientKey")}
    for number in range(4):
        with start(path, answers=answers, seed=number if seed is None else seed) as sandbox:
            for _ in range(20):
                made = client(sandbox).post(COMPANY, json={"allowedOrigins": ["https://a.example"]}).json()
                seen["id"].append(made["allowedOrigins"][0]["id"])
                for name, texts in seen.items():
                    texts.append(made[name])
    assert {name: len(set(texts)) for name, texts in seen.items()} == {name: len(texts) for name, texts in seen.items()}


def test_a_first_start_makes_what_a_sandbox_without_a_file_does(path):
    with start(path, seed=7) as sandbox:
        assert client(sandbox).post(COMPANY).json()["apiKey"] == client(Sandbox(seed=7)).post(COMPANY).json()["apiKey"]


def test_the_journal_goes_on_and_is_masked(path):
    with start(path) as sandbox:
        admin = client(sandbox)
        one = admin.post(COMPANY, json={"description": "mine"}).json()
        admin.get("/me", params={"key": one["apiKey"]})
        before = list(sandbox.app.journal)
    with start(path) as sandbox:
        after = list(sandbox.app.journal)
        for name in ("number", "at", "method", "origin", "operation", "status", "rule", "fault"):
            assert [getattr(entry, name) for entry in after] == [getattr(entry, name) for entry in before]
        assert after[0].answered.document["id"] == one["id"]
        assert after[0].answered.document["apiKey"] == after[0].answered.document["password"] == MASK
        assert b'"mine"' in after[0].sent.body
        client(sandbox).get("/me")
        assert [entry.number for entry in sandbox.app.journal] == [1, 2, 3]
        assert sandbox.app.journal.get(3).status == 200
        # its text is not known to this sandbox any more, its form is
        client(sandbox).get("/me", params={"key": GIVEN})
        sandbox.app.journal.clear()
    with start(path) as sandbox:
        assert len(sandbox.app.journal) == 0


def test_faults_and_idempotency_keys_are_not_kept(path):
    with start(path) as sandbox:
        sandbox.faults.add(FaultKind.RESET, times=None)
        again = {"Idempotency-Key": "a-key"}
        sandbox.faults.clear()
        one = client(sandbox).post(COMPANY, headers=again).json()["id"]
        sandbox.faults.add(FaultKind.RESET, times=None)
    with start(path) as sandbox:
        assert client(sandbox).post(COMPANY, headers=again).json()["id"] != one


def test_no_secret_is_on_the_disk(path):
    secrets = []
    for _ in range(2):
        with start(path) as sandbox:
            admin = client(sandbox)
            one = admin.post(COMPANY, json=ROLES).json()
            user = sandbox.customer_area.create_legal_entity_user()
            secrets += [one["apiKey"], one["password"], user.api_key.reveal(), user.password.reveal()]
            secrets.append(admin.post(f"{COMPANY}/{one['id']}/generateApiKey").json()["apiKey"])
            secrets.append(sandbox.customer_area.generate_password(one["id"]).reveal())
            secrets += [sandbox.provisioning.api_key.reveal(), sandbox.provisioning.password.reveal()]
            for secret in secrets:  # wherever a caller puts it by mistake
                client(sandbox, secret).get("/me")
                client(sandbox, auth=(one["username"], secret)).get("/me")
                if secret.startswith("AQE"):
                    admin.get(f"/me/{secret}", params={"key": secret})
                    admin.post(COMPANY, json={"roles": [secret]}, headers={"Idempotency-Key": secret[:64]})
            found = on_disk(path)
            assert all(secret.encode() not in found for secret in secrets)
            assert one["clientKey"].encode() in found
    assert len(secrets) == 16
    for secret in secrets:
        assert secret.encode() not in path.read_bytes()


def test_the_file_is_its_users_only_and_alone(path):
    before = os.umask(0)
    try:
        with start(path) as sandbox:
            client(sandbox).post(COMPANY)
            assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}
    finally:
        os.umask(before)
    assert list(path.parent.iterdir()) == [path]


def test_a_second_sandbox_is_refused_and_the_first_goes_on(path):
    with start(path) as sandbox:
        code = "import pathlib, sys, pytest_adyen_creds as p; p.Sandbox(state_file=pathlib.Path(sys.argv[1]))"
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
        assert "FileRefused" in done.stderr
        assert "is in use by another sandbox; end that one, or name another file" in done.stderr
        assert client(sandbox).post(COMPANY).status_code == 200
    with start(path) as sandbox:
        assert client(sandbox).get(COMPANY).json()["itemsTotal"] == 2


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (x)")


def of_version_9(path: Path) -> None:
    start(path).__exit__()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA user_version = 9")


def damaged_pages(path: Path) -> None:
    with start(path) as sandbox:
        for _ in range(30):
            client(sandbox).post(COMPANY)
    content = bytearray(path.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    with start(path) as sandbox:
        for _ in range(30):
            client(sandbox).post(COMPANY)
    path.write_bytes(path.read_bytes()[:9000])


def changed(statement: str):
    def change(path: Path) -> None:
        with start(path) as sandbox:
            client(sandbox).post(COMPANY)
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute(statement)
            database.execute("PRAGMA journal_mode = DELETE")

    return change


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b"junk"), "is no state file of a sandbox"),
        (lambda path: path.write_bytes(os.urandom(100_000)), "is no state file of a sandbox"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "is no state file of a sandbox"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + os.urandom(5000)), "is no state file of a sandbox"),
        (other_database, "is no state file of a sandbox"),
        (of_version_9, "is of version 9, this sandbox reads 1"),
        (damaged_pages, "is damaged"),
        (cut_short, "is damaged"),
        (changed("UPDATE credentials SET document = '{}'"), "is damaged"),
        (changed("UPDATE credentials SET document = 'junk'"), "is damaged"),
        (
            changed('UPDATE credentials SET document = replace(document, \'"digest": "\', \'"digest": "00\')'),
            "is damaged",
        ),
        (changed("UPDATE credentials SET document = '[]'"), "is damaged"),
        (changed("UPDATE entries SET document = '[1]'"), "is damaged"),
        (changed("UPDATE facts SET value = 'x' WHERE name = 'starts'"), "is damaged"),
        (changed("UPDATE facts SET value = '[]' WHERE name = 'numbers'"), "is damaged"),
        (changed("INSERT INTO facts VALUES ('advanced', '{}')"), "is damaged"),
        (changed("DELETE FROM facts"), "is of --company None"),
        (changed("DROP TABLE credentials"), "is damaged"),
        (lambda path: path.mkdir(), "is a directory; name a file in it"),
        (lambda path: path.symlink_to(path.with_name("elsewhere")), "is a symbolic link"),
        (os.mkfifo if hasattr(os, "mkfifo") else lambda path: path.mkdir(), "name a"),
    ],
)
def test_what_is_no_state_file_is_refused_and_left_as_it_was(path, make, said):
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(FileRefused) as refused:
        start(path)
    assert said in str(refused.value)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert [each.name for each in path.parent.iterdir()] == ["state"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"company": "Other"}, "is of --company TestCompany --merchant TestMerchant --merchant TestMerchantEU"),
        ({"merchants": ["TestMerchant"]}, "--merchant TestMerchantEU"),
        ({"answers": "published"}, "--answers platform"),
    ],
)
def test_a_file_of_other_accounts_is_refused_and_left_as_it_was(path, options, said):
    start(path).__exit__()
    before = path.read_bytes()
    with pytest.raises(FileRefused, match="serve with these, or name another file") as refused:
        start(path, **options)
    assert said in str(refused.value)
    assert path.read_bytes() == before


def test_accounts_that_cannot_be_make_no_file(path):
    with pytest.raises(SandboxError):
        start(path, company="no name")
    assert not path.exists()


@pytest.mark.parametrize("name", ["no/such/folder/state", "/proc/state", "x" * 300, "a\0b"])
def test_where_nothing_can_be_written_it_says_so(tmp_path, name):
    with pytest.raises(FileRefused, match="name a file in a writable folder"):
        start(tmp_path / name)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_this_user_may_not_write_is_refused(tmp_path, what):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "state"
    start(path).__exit__()
    target = path if what == "file" else folder
    target.chmod(0o500)
    if os.access(target, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(FileRefused, match="writable"):
        start(path)


def test_a_change_that_cannot_be_written_is_not_made(path):
    sandbox = Sandbox(state_file=path)
    admin = client(sandbox)
    sandbox.close()
    assert admin.post(COMPANY).status_code == 500
    assert admin.get(COMPANY).json()["itemsTotal"] == 1
    with pytest.raises(FileRefused, match="cannot be written"):
        sandbox.clock.advance(hours=1)


@pytest.mark.slow("processes that are killed")
@pytest.mark.parametrize("after", [1, 7, 40])
def test_what_was_answered_is_there_after_sigkill(tmp_path, after):
    """Four threads create and rotate while the server is killed; whatever was answered goes on."""
    command = "from pytest_adyen_creds.sandbox.commands import sandbox; sandbox()"
    serve = [sys.executable, "-c", command, "serve"]
    there = os.environ | {"TMPDIR": str(tmp_path)}  # what is killed leaves its folder behind
    options = ["--state", str(tmp_path / "state"), "--api-key-file", str(tmp_path / "key")]
    answered: list[tuple[str, str]] = []
    for _ in range(4):
        process = subprocess.Popen(
            [*serve, *options], env=there, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().rstrip().partition("=")[2]
            key = (tmp_path / "key").read_text().strip()
            with httpx.Client(base_url=url) as asking:
                for id, known in answered:
                    assert asking.get("/me", headers={"X-API-Key": known}).json()["id"] == id
            enough = threading.Semaphore(0)

            def work(url: str, key: str, enough: threading.Semaphore) -> None:
                with suppress(httpx.TransportError), httpx.Client(base_url=url, headers={"X-API-Key": key}) as admin:
                    while True:
                        one = admin.post(COMPANY, json=ROLES).json()
                        answered.append((one["id"], one["apiKey"]))
                        new = admin.post(f"{COMPANY}/{one['id']}/generateApiKey").json()["apiKey"]
                        answered.append((one["id"], new))
                        enough.release()

            threads = [threading.Thread(target=work, args=(url, key, enough)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for _ in range(after):
                assert enough.acquire(timeout=60)
        finally:
            process.kill()
            process.communicate()
        for thread in threads:
            thread.join(60)
    with start(tmp_path / "state", api_key=Secret(key)) as sandbox:
        for id, known in answered:
            assert client(sandbox, known).get("/me").json()["id"] == id
    found = b"".join(each.read_bytes() for each in tmp_path.glob("state*"))
    assert all(known.encode() not in found for _, known in answered)
