"""TLS for the sandbox's server: a certificate of its own authority, made at start, and who has to be told of it."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_adyen_creds.errors import FileRefused, SandboxError

_TRUSTSTORE_PASSWORD = "changeit"


@dataclass(frozen=True)
class Certificate:
    """A server's certificate. Its private key is in ``context`` only, and its authority's is gone."""

    context: ssl.SSLContext
    """What a server answers handshakes by."""
    authority: bytes
    """The certificate of the authority, in PEM: what clients have to trust."""

    def write(self, folder: Path) -> dict[str, str]:
        """Write what clients have to trust into ``folder``; return the environment variables that tell them of it.

        They are those of Node; of Python, Go, Ruby and OpenSSL; of requests; of curl; and of Java. All but Node's have
        the authority in place of those that the system trusts. Raises :class:`FileRefused` where nothing can be
        written.
        """
        pem, store = (folder / "ca.pem").absolute(), (folder / "ca.p12").absolute()
        try:
            pem.write_bytes(self.authority)
            store.write_bytes(_truststore(self.authority))
        except OSError as error:
            raise FileRefused(f"{folder}: cannot be written to ({error.strerror}); set TMPDIR to a folder") from None
        names = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        java = {"trustStore": store, "trustStoreType": "PKCS12", "trustStorePassword": _TRUSTSTORE_PASSWORD}
        options = " ".join(f'"-Djavax.net.ssl.{name}={value}"' for name, value in java.items())
        return dict.fromkeys(names, str(pem)) | {"JAVA_TOOL_OPTIONS": options}


def make_certificate(hosts: Iterable[str]) -> Certificate:
    """Return a new certificate for ``hosts``, names and IP addresses without brackets, besides this machine's own.

    Raises :class:`SandboxError` where the library that makes it is missing, and for what is no host.
    """
    try:
        import trustme
    except ImportError:
        raise SandboxError(
            "--tls takes the library trustme, which is not installed; run: pip install 'pytest-adyen-creds[server]'"
        ) from None
    names = dict.fromkeys(("localhost", "127.0.0.1", "::1", *hosts))
    authority = trustme.CA(organization_name="pytest-adyen-creds", organization_unit_name="sandbox, invented")
    try:
        issued = authority.issue_cert(*names)
    except ValueError as error:
        said = ", ".join(names)
        raise SandboxError(f"no certificate can be made for {said} ({error}); give names of hosts") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    # by a file that is gone when this returns: the module ssl takes private keys in no other way
    issued.configure_cert(context)
    return Certificate(context, authority.cert_pem.bytes())


def _truststore(authority: bytes) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

    trusted = pkcs12.PKCS12Certificate(x509.load_pem_x509_certificate(authority), b"adyen-sandbox")
    protection = BestAvailableEncryption(_TRUSTSTORE_PASSWORD.encode())
    made: bytes = pkcs12.serialize_java_truststore([trusted], protection)  # Any where cryptography is not installed
    return made
