"""Rules for secret scanners: gitleaks, trufflehog and detect-secrets find Adyen's secrets, and let pseudonyms pass.

The patterns are made of what the package itself finds keys and pseudonyms by. They keep to RE2's syntax, which has no
look-around and no back-references, since gitleaks and trufflehog are written in Go.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_adyen_creds.cassettes.redact.finder import KEY_FORMS
from pytest_adyen_creds.cassettes.redact.pseudonyms import PASSWORD_PSEUDONYM, SECRET_PSEUDONYM

_COMMAND: Final = "adyen-creds cassettes rules --format"

# from a name to its value: key: "…", key = '…', \"key\": \"…\", ["KEY"] = "…", key: str = "…", setenv("KEY", "…")
_SEPARATOR: Final = (
    r"[\w.-]{0,40}[\"'\\\])]{0,6}(?:\s{0,4}:\s{0,4}[A-Za-z]{1,20})?\s{0,8}(?:(?:=>|:=|[:=>])\s{0,8}|,[ \t]{0,8})"
    r"(?:[A-Za-z]{1,12}\()?"
)
_OPENING: Final = r"[brfBRF]{0,2}\\{0,4}[\"']"
FILTERS: Final = tuple(
    f"detect_secrets.filters.heuristic.{name}" for name in ("is_indirect_reference", "is_templated_secret")
)
"""Filters of detect-secrets that take a key with brackets in it for a call, or a password for a template."""

_IN_CODE: Final = r"\$\{|os\.environ|getenv|\.reveal\(|process\.env|secrets\.|^[A-Z_]+$|^[a-z_./-]+$"
"""What stands in the place of a password where code or a template says where it comes from, or a name."""


@dataclass(frozen=True, slots=True)
class ScannerRule:
    """One kind of secret: ``pattern`` has one group, the secret; the ``keyword`` stands in all that it matches.

    ``entropy`` is the least that the secret has, in bits a character (Shannon); of the pseudonyms and of the values
    that people write into examples most have less. ``allowed`` are patterns of what is no secret where it matches.
    """

    id: str
    description: str
    keyword: str
    pattern: str
    entropy: float
    allowed: tuple[str, ...] = (SECRET_PSEUDONYM,)


def _key_rule(id_: str, what: str, entropy: float) -> ScannerRule:
    form = KEY_FORMS[what]
    before = "(?:^|[^A-Za-z0-9])" if form.apart else ""
    pattern = f"{before}({form.prefix}{form.rest})"
    return ScannerRule(id_, f"{what[0].upper()}{what[1:]} of Adyen's", form.prefix.lower(), pattern, entropy)


def _in_base64(text: str) -> Iterator[str]:
    """Yield what base64 shows of ``text``, wherever in an encoded text it begins."""
    for before in range(3):
        data = b"\0" * before + text.encode()
        # the characters at both ends hold bits of what stands beside it
        yield base64.b64encode(data).decode()[-(-before * 8 // 6) : len(data) * 8 // 6]


RULES: Final = (
    _key_rule("adyen-api-key", "an API key", 3.5),
    ScannerRule(
        "adyen-hmac-key",
        "An HMAC key, which signs Adyen's webhooks",
        "hmac",
        rf"(?i:hmac){_SEPARATOR}(?:{_OPENING})?([0-9A-Fa-f]{{64}})(?:[^0-9A-Fa-f]|$)",
        3.0,
    ),
    ScannerRule(
        "adyen-password",
        "A password such as Adyen generates for basic authentication, where a name says that it is one",
        "password",
        rf"(?i:password){_SEPARATOR}{_OPENING}([^\s\"'\\]{{16,64}})\\{{0,4}}[\"']",
        3.0,
        (SECRET_PSEUDONYM, _IN_CODE),
    ),
    ScannerRule(
        "adyen-password-variable",
        "A password such as Adyen generates, in a file of environment variables",
        "password",
        r"(?:^|\s)[A-Z0-9_]{0,40}PASSWORD=([^\s\"'\\]{16,64})",
        3.0,
        (SECRET_PSEUDONYM, _IN_CODE),
    ),
    ScannerRule(
        "adyen-basic-auth",
        "The user name and password of an API credential of Adyen's, in basic authentication",
        "basic",
        # ws@… and ws_123456@…, in base64
        r"(?i:basic)\s{1,4}(d3N[Af][A-Za-z0-9+/_-]{24,}={0,2})",
        3.0,
        (SECRET_PSEUDONYM, *_in_base64(f":{PASSWORD_PSEUDONYM}")),
    ),
)
"""What no repository may hold."""

CLIENT_KEY_RULES: Final = (
    _key_rule("adyen-live-client-key", "a live client key", 3.3),
    _key_rule("adyen-client-key", "a client key", 3.3),
)
"""Client keys are public where a web page shows them; recordings hold none all the same."""


def _gitleaks(rules: Iterable[ScannerRule]) -> str:
    parts = [
        f"# Made by '{_COMMAND} gitleaks'; use it as .gitleaks.toml, or with gitleaks --config.",
        "[extend]",
        "useDefault = true",
    ]
    for rule in rules:
        parts += [
            "",
            "[[rules]]",
            f'id = "{rule.id}"',
            f'description = "{rule.description}"',
            f"regex = '''{rule.pattern}'''",
            "secretGroup = 1",
            f"entropy = {rule.entropy}",
            f'keywords = ["{rule.keyword}"]',
            *_gitleaks_allowlist("rules.allowlist", f"What is no secret there: {rule.id}", rule.allowed),
        ]
    parts += ["", *_gitleaks_allowlist("allowlist", "Pseudonyms, whatever rule finds them", (SECRET_PSEUDONYM,))]
    return "\n".join(parts) + "\n"


def _gitleaks_allowlist(table: str, description: str, patterns: Iterable[str]) -> list[str]:
    return [
        f"[{table}]",
        f'description = "{description}"',
        'regexTarget = "secret"' if "." in table else 'regexTarget = "match"',
        "regexes = [" + ", ".join(f"'''{each}'''" for each in patterns) + "]",
    ]


def _trufflehog(rules: Iterable[ScannerRule]) -> str:
    import yaml

    detectors = [
        {
            "name": rule.id,
            "description": rule.description,
            "keywords": [rule.keyword],
            "regex": {"secret": rule.pattern},
            "entropy": rule.entropy,
            "exclude_regexes_capture": [*rule.allowed],
        }
        for rule in rules
    ]
    head = f"# Made by '{_COMMAND} trufflehog'; use it with trufflehog --config. Nothing is sent to verify a finding.\n"
    return head + yaml.safe_dump({"detectors": detectors}, sort_keys=False, width=1000)


def _detect_secrets(rules: Iterable[ScannerRule]) -> str:
    parts = [
        f'''"""Made by '{_COMMAND} detect-secrets'; use it with

    detect-secrets scan --plugin THIS_FILE {" ".join(f"--disable-filter {each}" for each in FILTERS)}

These filters pass over one key in twenty, since brackets in it look like a call, and over passwords in braces.
Of a YAML file detect-secrets hands on only the values of names: no items of lists, which headers in cassettes of vcrpy
are. So these detectors read YAML files for themselves.
"""

import math
import re
from collections import Counter

from detect_secrets.filters.allowlist import is_line_allowlisted
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.util.code_snippet import get_code_snippet


class _AdyenDetector(RegexBasedDetector):
    entropy = 0.0
    allowed = re.compile("")

    def analyze_string(self, string):
        for secret in super().analyze_string(string):
            counts = Counter(secret).values()
            entropy = -sum(count / len(secret) * math.log2(count / len(secret)) for count in counts)
            if entropy >= self.entropy and not self.allowed.search(secret):
                yield secret

    def analyze_line(self, filename, line, line_number=0, context=None):
        found = super().analyze_line(filename=filename, line=line, line_number=line_number, context=context)
        if line_number == 1 and filename.endswith((".yaml", ".yml")):
            for number, each, around in _lines_of(filename):
                found |= super().analyze_line(filename=filename, line=each, line_number=number, context=around)
        return found


def _lines_of(filename):
    """Yield number, text and context of each line that may hold a secret."""
    try:
        with open(filename, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for number, line in enumerate(lines, 1):
        context = get_code_snippet(lines, number)
        if not is_line_allowlisted(filename, line, context):
            yield number, line, context
'''
    ]
    for rule in rules:
        name = "".join(word.capitalize() for word in rule.id.split("-"))
        parts.append(
            f'''

class {name}Detector(_AdyenDetector):
    """{rule.description}."""

    secret_type = {rule.id!r}
    entropy = {rule.entropy}
    denylist = (re.compile({rule.pattern!r}),)
    allowed = re.compile({"|".join(rule.allowed)!r})
'''
        )
    return "".join(parts)


FORMATS: Final[Mapping[str, Callable[[Iterable[ScannerRule]], str]]] = {
    "gitleaks": _gitleaks,
    "trufflehog": _trufflehog,
    "detect-secrets": _detect_secrets,
}
"""What writes rules for a scanner, by the scanner's name."""
