"""One request over TLS with `openssl s_client`, which can be told everything that a case asks of a client."""

import re
import subprocess


class TlsAnswer:
    def __init__(self, output, errors):
        text = output.decode("latin-1")
        status = re.search(r"HTTP/1\.[01] (\d{3}) ", text)
        self.status = int(status.group(1)) if status else None
        self.output = text
        self.errors = errors.decode("latin-1")
        alert = re.search(r"SSL alert number (\d+)", self.errors)
        self.alert = int(alert.group(1)) if alert else None
        self.alpn = self._find(r"ALPN protocol: (\S+)")
        self.protocol = self._find(r"(?:New|Reused), (TLSv[\d.]+), Cipher") and self._find(r"Protocol *: (TLSv[\d.]+)") \
            or self._find(r"(?:New|Reused), (TLSv[\d.]+), Cipher")
        self.cipher = self._find(r"Cipher is ([A-Za-z0-9_-]+)")
        self.group = self._find(r"Temp Key: (?:ECDH, )?([^,\n]+)")
        self.subject = self._find(r"\nsubject=(.*)")
        self.sessions = re.findall(r"\n(New|Reused), TLS", text)

    def _find(self, pattern):
        found = re.search(pattern, self.output)
        return found.group(1).strip() if found else None


def tls_request(port, request, arguments=(), folder=None, timeout=60):
    """Sends `request` and reads to the end of the stream."""
    command = ["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-ign_eof", "-CAfile", "tls-ca-chain.pem"]
    if not {"-servername", "-noservername"} & set(arguments):
        command += ["-servername", "localhost"]
    try:
        done = subprocess.run(command + list(arguments), cwd=folder, input=request, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired as late:
        return TlsAnswer(late.stdout or b"", (late.stderr or b"") + b"\nno end of stream within %d s" % timeout)
    return TlsAnswer(done.stdout, done.stderr)
