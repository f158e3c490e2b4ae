"""Adyen's rules in schemathesis runs of other people: not there until asked for, then for the hosts that are named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response

from pytest_adyen_creds.checks.rules import RULES

TESTS = """
import schemathesis

schema = schemathesis.openapi.from_dict({
    "openapi": "3.1.0",
    "info": {"title": "Another API", "version": "1"},
    "paths": {"/me": {"get": {"responses": {"200": {"description": "", "content": {"application/json": {
        "schema": {"type": "object"}}}}}}}},
})

schema.config.update(base_url="SERVER/v3")
schema.config.phases.update(phases=["fuzzing"])

@schema.parametrize()
def test_api(case):
    case.call_and_validate()
"""


class AnotherApi(BaseHTTPRequestHandler):
    """Answers what breaks several of Adyen's rules, and nothing of its own document."""

    def do_GET(self) -> None:
        body = json.dumps({"id": "1", "clientKey": "prod_ABCDEFGHIJKLMNOP", "roles": []}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), AnotherApi) as http:
        thread = Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.mark.slow("processes of their own: checks are registered in them")
@pytest.mark.parametrize(
    ("configured", "with_us", "outcome"),
    [
        (None, False, {"passed": 1}),
        (None, True, {"passed": 1}),
        ("", True, {"passed": 1}),
        ("hosts = ['127.0.0.1:1', 'SERVER']", True, {"failed": 1}),
        ("hosts = ['127.0.0.1']", True, {"failed": 1}),
        ("hosts = ['127.0.0.1:1']", True, {"passed": 1}),
        ("hosts = ['SERVER']\nwithout = ALL", True, {"passed": 1}),
    ],
)
def test_the_run_of_another_api_is_the_same_until_it_is_named(
    pytester: pytest.Pytester, server: str, configured: str | None, with_us: bool, outcome: dict[str, int]
) -> None:
    pytester.makepyfile(TESTS.replace("SERVER", f"http://{server}"))
    pytester.makepyfile(test_ours="def test_ours(adyen_contract): ...") if with_us else None
    if configured is not None:
        hooks = 'hooks = "pytest_adyen_creds.checks.schemathesis_checks"\n'
        options = configured.replace("SERVER", server).replace("ALL", str(sorted(RULES)))
        pytester.path.joinpath("schemathesis.toml").write_text(f"{hooks}[checks.AdyenRules]\n{options}\n")
    options = [] if with_us else ["-p", "no:adyen_creds"]
    result = pytester.runpytest_subprocess(*options, "-p", "schemathesis.pytest.plugin")
    expected = dict(outcome)
    if with_us:
        expected["passed"] = expected.get("passed", 0) + 1
    result.assert_outcomes(**expected)
    if "failed" in outcome:
        result.stdout.fnmatch_lines(["*A client key starts with the name of its environment*"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("hosts = '127.0.0.1'", "hosts is a list of strings, not '127.0.0.1'"),
        ("hosts = ['http://127.0.0.1:8080/v3']", "'http://127.0.0.1:8080/v3' in hosts is no host"),
        ("hosts = ['me@127.0.0.1']", "'me@127.0.0.1' in hosts is no host"),
        ("hosts = ['']", "'' in hosts is no host"),
        ("hosts = ['*']", "'*' in hosts is no host"),
        ("hosts = [' localhost']", "' localhost' in hosts is no host"),
        ("hosts = ['127.0.0.1:']", "'127.0.0.1:' in hosts is no host"),
        ("hosts = 8080", "hosts is a list of strings, not 8080"),
        ("without = ['adyen_nothing']", "no rule is named adyen_nothing; there are adyen_"),
        ("host = ['127.0.0.1']", "Valid keys: hosts, without"),
    ],
)
def test_a_mistake_in_its_configuration_is_said(options: str, said: str, tmp_path: Any) -> None:
    from schemathesis.checks import RunChecks
    from schemathesis.config import ConfigError, SchemathesisConfig

    from pytest_adyen_creds.checks.schemathesis_checks import AdyenRules

    assert AdyenRules
    config = SchemathesisConfig.from_str(f"[checks.AdyenRules]\n{options}\n")
    with pytest.raises(ConfigError) as raised:
        RunChecks.from_registry(config.projects.default.checks)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("url", "judged"),
    [
        ("https://management-test.adyen.com/v3/me", True),
        ("http://127.0.0.1:8080/v1/me", True),
        ("http://127.0.0.1:8081/v1/me", False),
        ("http://localhost:8080/v3/me", True),
        ("https://api.example.org/v3/me", False),
        ("http://127.0.0.1:8080/me", False),
        ("http://127.0.0.1:8080", False),
        ("https://management-test.adyen.com/v3/terminals", False),
        ("http://shop.example/v3/me", True),
        ("http://shop.example:9999/v3/me", False),
        ("https://secure.example/v3/me", True),
        ("http://secure.example/v3/me", False),
        ("http://[::1]:7000/v3/me", True),
        ("http://[::2]:7000/v3/me", False),
        ("https://bücher.example:8443/v3/me", True),
    ],
)
def test_answers_of_adyen_and_of_named_hosts_are_judged(url: str, judged: bool) -> None:
    from pytest_adyen_creds.checks.schemathesis_checks import AdyenRules

    request = requests.Request("GET", url).prepare()
    body = b'{"status": 500, "errorCode": "00_500"}'
    response = Response(403, {"content-type": ["application/json"]}, body, request, elapsed=0.1, verify=False)
    unused: Any = None
    check = AdyenRules(
        hosts=["127.0.0.1:8080", "localhost", "shop.example:80", "secure.example:443", "[::1]", "bücher.example"]
    )
    if judged:
        with pytest.raises(FailureGroup) as raised:
            check.after_response(unused, response, unused)
        assert "/errorCode 00_500" in str(raised.value.exceptions)
    else:
        assert check.after_response(unused, response, unused) is True
