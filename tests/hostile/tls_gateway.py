"""A gateway that speaks TLS, with a certificate made for the run."""

import contextlib
import os
import ssl
import subprocess
import tempfile

from process_figures import E2E  # noqa: F401  (makes tests/e2e importable)

from gateway import Gateway


class TlsGateway(Gateway):
    """Its connections are TLS sessions of a client that trusts its certificate; `plain()` is a socket without."""

    context = None

    def plain(self, timeout=60):
        return super().connect(timeout)

    def connect(self, timeout=60):
        return self.context.wrap_socket(self.plain(timeout), server_hostname="localhost")


@contextlib.contextmanager
def certificate():
    """(a folder with server.crt and server.key of P-256, a client's context that trusts them)."""
    with tempfile.TemporaryDirectory(prefix="sluice-hostile-tls-") as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", "server.crt",
                        "-keyout", "server.key"], cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        yield folder, ssl.create_default_context(cafile=os.path.join(folder, "server.crt"))


@contextlib.contextmanager
def encrypted(options, *flags, more=""):
    """A TlsGateway; `more` follows tls_server_config in its web config."""
    with certificate() as (folder, context):
        path = os.path.join(folder, "web.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n" + more)
        with TlsGateway(options.binary, ["--web.config.file=" + path, *flags], options.backend) as gateway:
            gateway.context = context
            yield gateway
