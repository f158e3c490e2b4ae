"""Write this suite as it was before: with cassettes as vcrpy wrote them, keys and names included.

It records the tests with pytest-recording from a sandbox of its own, whose secrets are random and good for nothing, and
puts Adyen's host where the sandbox's address was. Cassettes with secrets are not kept in a repository, even with such.

    python make_before.py before
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from pytest_adyen_creds import Sandbox

HERE = Path(__file__).resolve().parent
COMPANY = "AcmeCorp"
TESTS = ("conftest.py", "test_audit.py")


def record(into: Path) -> None:
    """Copy the old tests into the new folder ``into``, and record them there."""
    tests = into / "tests"
    tests.mkdir(parents=True)
    for name in TESTS:
        shutil.copy(HERE / "tests" / name, tests)
    (into / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    sandbox = Sandbox(COMPANY, ["AcmeWeb"], secrets.randbits(64))
    _furnish(sandbox)
    with sandbox.serve() as server:
        key = sandbox.provisioning.api_key.reveal()
        environment = {"AUDIT_URL": f"{server.url}/v3", "AUDIT_KEY": key, "AUDIT_COMPANY": COMPANY}
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:adyen_creds", "--record-mode=rewrite"]
        pytest += ["-c", str(HERE / "pyproject.toml"), "--rootdir", str(HERE), "-p", "no:cacheprovider", str(tests)]
        subprocess.run(pytest, env=os.environ | environment, check=True)  # noqa: S603 - its own words
        for path in tests.rglob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            # JSON may write its slashes with backslashes
            text = re.sub(rf"http:(\\*/\\*/)127\.0\.0\.1:{server.port}", r"https:\1management-test.adyen.com", text)
            path.write_text(text, encoding="utf-8")


def _furnish(sandbox: Sandbox) -> None:
    """Have the company make some credentials, as people do in the Customer Area."""
    area, makes_credentials = sandbox.customer_area, "Management API - API credentials read and write"
    shop = area.create_company_user(roles=["Checkout webservice role"], description="Web shop")
    area.set_allowed_ips(shop.id, ["192.0.2.0/24"])
    area.create_company_user(roles=["Management API - Stores read"], description="Nightly report")
    area.create_company_user(roles=[makes_credentials, "Checkout webservice role"], description="Does it all")
    off = area.create_company_user(roles=["Checkout webservice role"], description="Switched off")
    area.set_active(off.id, active=False)


if __name__ == "__main__":
    record(Path(sys.argv[1]))
