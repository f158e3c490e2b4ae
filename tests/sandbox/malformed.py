"""Malformed requests, made by chance from a seed: request lines, paths, headers, lengths, encodings, bodies."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator

COMPANY = "/companies/TestCompany/apiCredentials"
OWN = f"{COMPANY}/S2-7954857361"
TARGETS = [
    ("POST", COMPANY),
    ("POST", "/merchants/TestMerchant/apiCredentials"),
    ("PATCH", OWN),
    ("POST", f"{OWN}/allowedOrigins"),
    ("DELETE", f"{OWN}/allowedOrigins/S2-1"),
    ("GET", COMPANY),
    ("GET", "/me"),
    ("POST", "/me/allowedOrigins"),
]
# what is refused whatever else holds, so that thousands of these leave no state behind
REFUSED = {"description": "x" * 51, "domain": "no origin", "unknown": 1}


class Maker:
    """Makes requests as bytes; ``key`` is an API key that holds."""

    def __init__(self, key: str, seed: int) -> None:
        self.key = key
        self.random = random.Random(seed)
        self.ways: list[Callable[[], bytes]] = [
            self.garbage,
            self.line,
            self.path,
            self.query,
            self.headers,
            self.length,
            self.chunks,
            self.credentials,
            self.media_type,
            self.mutated,
            self.values,
            self.deep,
            self.large,
            self.encoded,
            self.cut,
            self.control,
        ]

    def make(self, count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield self.random.choice(self.ways)()

    def noise(self, longest: int = 60) -> bytes:
        return self.random.randbytes(self.random.randint(0, longest))

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        media: str = "application/json",
        extra: tuple[bytes, ...] = (),
    ) -> bytes:
        headers = [b"Host: 127.0.0.1", b"X-API-Key: " + self.key.encode(), *extra]
        if body:
            headers += [b"Content-Type: " + media.encode("latin-1"), b"Content-Length: %d" % len(body)]
        return b"\r\n".join([f"{method} /v3{path} HTTP/1.1".encode("latin-1"), *headers, b"", body])

    def target(self) -> tuple[str, str]:
        return self.random.choice(TARGETS)

    def bodiless_target(self) -> tuple[str, str]:
        """One that makes nothing where the body gets lost: a create call without one would be as good as another."""
        return self.random.choice([(method, path) for method, path in TARGETS if not path.endswith("/apiCredentials")])

    def garbage(self) -> bytes:
        return self.noise(400) + self.random.choice([b"", b"\r\n", b"\r\n\r\n", b"\n\n"])

    def line(self) -> bytes:
        method = self.random.choice(["GET", "get", "G\x00T", "", "POST POST", "X" * 300, "PRI", "CONNECT", "\xff"])
        path = self.random.choice(
            ["/v3/me", "*", "", "http://[", "http://[::1", "//", "127.0.0.1:1", "/v3/me#x", "\x00"]
        )
        version = self.random.choice(
            ["HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/9.9", "HTTP/x", "http/1.1", "", "HTTP/1.1 x"]
        )
        return f"{method} {path} {version}\r\nHost: x\r\n\r\n".encode("latin-1")

    def path(self) -> bytes:
        parts = [
            "..",
            ".",
            "",
            "%",
            "%zz",
            "%00",
            "%2F",
            "%2e%2e",
            "%ff%fe",
            "a" * 5000,
            "\xe9",
            "{x}",
            "me",
            "v3",
            "%25",
        ]
        chosen = "/".join(self.random.choices([*parts, "companies", "TestCompany", "apiCredentials"], k=4))
        return self.request(self.random.choice(["GET", "PUT", "PATCH", "DELETE"]), f"/{chosen}")

    def query(self) -> bytes:
        texts = [
            "",
            "x",
            "-1",
            "0",
            "101",
            "9" * 400,
            "%00",
            "%ff",
            "1.5",
            "1e3",
            "[]",
            "%",
            "+",
            "٣".encode().hex(),
            "&" * 50,
        ]
        names = ["pageNumber", "pageSize", "%", "", "a" * 2000]
        pairs = "&".join(
            f"{self.random.choice(names)}={self.random.choice(texts)}" for _ in range(self.random.randint(1, 5))
        )
        return self.request("GET", f"{COMPANY}?{pairs}" + ("&x" * 1500 if self.random.random() < 0.05 else ""))

    def headers(self) -> bytes:
        odd = [
            b"no colon here",
            b": empty name",
            b" folded: x",
            b"X-Long: " + b"y" * 70000,
            b"X-Noise: " + self.noise().replace(b"\r", b"").replace(b"\n", b""),
            b"Host: " + self.noise(20).replace(b"\r", b"").replace(b"\n", b""),
            b"Expect: 100-continue",
            b"Expect: nonsense",
            b"Upgrade: h2c",
            b"Connection: keep-alive, upgrade",
            b"Idempotency-Key: " + b"k" * self.random.choice([0, 65, 3000]),
            b"X-Forwarded-Host: evil.example",
        ]
        many = tuple(b"X-%d: y" % i for i in range(150)) if self.random.random() < 0.1 else ()
        return self.request(*self.bodiless_target(), b"{", extra=(*self.random.choices(odd, k=2), *many))

    def length(self) -> bytes:
        lengths = [b"-1", b"x", b"1e3", b"0x10", b"9" * 30, b"+5", b" ", b"5, 5", "٣".encode(), b"1048577", b"3"]
        method, path = self.bodiless_target()
        head = self.request(method, path, extra=(b"Content-Length: " + self.random.choice(lengths),))
        return head + self.noise(20)

    def chunks(self) -> bytes:
        bodies = [
            b"",
            b"zz\r\n",
            b"5\r\nab",
            b"-1\r\nx\r\n",
            b"ffffffff\r\n",
            b"0\r\n\r\n",
            b"1\r\n{\r\n0\r\n\r\n",
            b"1\r\nxx",
        ]
        method, path = self.bodiless_target()
        extra = (
            b"Transfer-Encoding: " + self.random.choice([b"chunked", b"gzip, chunked", b"x"]),
            b"Content-Type: application/json",
        )
        return self.request(method, path, extra=extra) + self.random.choice(bodies)

    def credentials(self) -> bytes:
        values = [
            b"",
            b"Basic",
            b"Basic ===",
            b"Basic \xff",
            b"Basic " + b"QQ==" * 2000,
            b"Basic OjpwOg==",
            b"Digest x",
            self.noise(20),
        ]
        value = self.random.choice(values).replace(b"\r", b"").replace(b"\n", b"")
        own = self.request("GET", "/me", extra=(b"Authorization: " + value,))
        return own if self.random.random() < 0.5 else own.replace(self.key.encode(), self.key.encode()[:-1] + b"\xff")

    def media_type(self) -> bytes:
        medias = [
            "text/plain",
            "",
            "application/json; charset=utf-16",
            "application/xml",
            "multipart/form-data; boundary=",
            "\xff",
            "a" * 500,
        ]
        return self.request("POST", COMPANY, b'{"roles": []}', media=self.random.choice(medias))

    def mutated(self) -> bytes:
        body = bytearray(json.dumps({**REFUSED, "roles": ["x"], "_links": {"self": {"href": "x"}}}).encode())
        for _ in range(self.random.randint(1, 6)):
            body[self.random.randrange(len(body))] = self.random.randrange(256)
        return self.request(*self.target(), bytes(body))

    def values(self) -> bytes:
        odd = [None, True, -0.0, 1e400, 10**400, "\ud800", "\x00", [], {}, [[]], [None], {"self": 1}, "x" * 3000]
        names = [
            "roles",
            "description",
            "active",
            "subjectDN",
            "allowedOrigins",
            "domain",
            "id",
            "_links",
            "\ud800",
            "",
        ]
        body = {self.random.choice(names): self.random.choice(odd) for _ in range(self.random.randint(1, 4))}
        return self.request(*self.target(), json.dumps({**body, "unknown": 1}).encode())

    def deep(self) -> bytes:
        depth, opening = self.random.choice([101, 1000, 20000]), self.random.choice([b"[", b'{"x":'])
        return self.request(*self.target(), b'{"roles":' + opening * depth)

    def large(self) -> bytes:
        if self.random.random() < 0.8:
            return self.request(*self.target(), b'{"unknown": [' + b"0," * 20000 + b"0]}")
        return self.request(
            "POST", COMPANY, b'{"description": "' + b"x" * self.random.choice([1 << 20, 3 << 20]) + b'"}'
        )

    def encoded(self) -> bytes:
        text = json.dumps(REFUSED)
        encodings = [
            text.encode("utf-16"),
            text.encode("utf-32"),
            b"\xef\xbb\xbf" + text.encode(),
            gzip.compress(text.encode()),
        ]
        return self.request(*self.target(), self.random.choice(encodings), extra=(b"Content-Encoding: gzip",))

    def cut(self) -> bytes:
        whole = self.request(*self.target(), json.dumps(REFUSED).encode())
        return whole[: self.random.randrange(len(whole))]

    def control(self) -> bytes:
        path = self.random.choice(["clock/advance", "faults", "customer-area/balance-platform-users", "x/../y", "%00"])
        body = self.random.choice([b"{", b"[]", b'{"kind": 1}', b'{"hours": 1e999}', b'{"hours": NaN}', self.noise()])
        return self.request("POST", "", body).replace(b"/v3 ", f"/_sandbox/{path} ".encode(), 1)
