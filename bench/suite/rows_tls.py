"""P17: what TLS costs, with a certificate of P-256."""

import contextlib
import os
import subprocess
import tempfile

from suite.figures import NotRun

# wrk resumes the session of a connection that it had before. Over TLS 1.2 and without tickets neither server lets it: both
# keep no sessions.
NO_RESUMPTION = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = client
[client]
MaxProtocol = TLSv1.2
Options = -SessionTicket
"""


@contextlib.contextmanager
def certificate():
    """(file of a certificate for localhost that signs itself, file of its key)."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # nginx's worker is another user
        pair = [os.path.join(folder, name) for name in ("server.crt", "server.key")]
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3",
                   "-subj", "/CN=localhost", "-out", pair[0], "-keyout", pair[1]]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise NotRun("there is no openssl") from error
        if done.returncode != 0:
            raise NotRun("openssl: " + done.stderr.strip()[-200:])
        yield pair


@contextlib.contextmanager
def written(text):
    """The name of a file with that text."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        yield file.name


@contextlib.contextmanager
def encrypted(bench, pair):
    """sluice with that certificate."""
    with written("tls_server_config:\n  cert_file: %s\n  key_file: %s\n" % tuple(pair)) as config, \
            bench.sluice("--web.config.file=" + config, tls=True) as server:
        yield server


def p17(bench):
    """S over TLS against plaintext; a TLS connection per push against nginx"""
    with certificate() as pair, encrypted(bench, pair) as ours:
        with bench.sluice() as plain:
            got, other = bench.rounds(lambda: bench.push(ours), lambda: bench.push(plain))
        bench.add_rates("P17", "S over TLS, keep-alive, against plaintext", got, other, ">= 0.6")
        with bench.nginx(pair=pair) as opponent, written(NO_RESUMPTION) as full:
            for what, how in (("full handshakes (TLS 1.2)", {"openssl_conf": full}), ("resumed (TLS 1.3)", {})):
                got, other = bench.rounds(lambda how=how: bench.push(ours, close=True, **how),
                                          lambda how=how: bench.push(opponent, close=True, **how))
                bench.add_rates("P17", "one TLS connection per push, P-256, %s, against nginx `return 200`" % what, got, other,
                                ">= 1.0")


ROWS = {"P17": p17}
