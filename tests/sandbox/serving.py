"""``adyen-creds sandbox serve`` in a process of its own, and the environment that it prints."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

TLS = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "JAVA_TOOL_OPTIONS")
READY = "SIGTERM or Ctrl+C ends it.\n"


class Serving:
    """The command with ``arguments``; ``with`` waits until it serves, and ends it."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytest_adyen_creds.cli", "sandbox", "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        self.pid = self._process.pid
        self.environment: dict[str, str] = {}
        """What it prints to be exported."""
        self.said = ""
        """What it said before it was ready."""

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        while not self.said.endswith(READY):
            line = self._process.stderr.readline()
            assert line, self.said
            self.said += line
        while len(self.environment) < (4 if "http:" in self.environment.get("ADYEN_BASE_URL", "https:") else 9):
            _, export = shlex.split(self._process.stdout.readline())
            name, _, value = export.partition("=")
            self.environment[name] = value
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            try:
                self.end()  # so that it tidies up
            finally:
                self._process.kill()

    @property
    def url(self) -> str:
        """Where it serves the API, with its version."""
        return self.environment["ADYEN_BASE_URL"]

    @property
    def key_file(self) -> Path:
        """The file that holds the provisioning key."""
        return Path(self.environment["ADYEN_MANAGEMENT_API_KEY_FILE"])

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Tell it to end; return its exit status and what it said after it was ready."""
        self._process.send_signal(number)
        _, errors = self._process.communicate(timeout=60)
        return self._process.returncode, errors
