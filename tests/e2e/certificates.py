"""Certificates made for one run of a test, with the openssl command. Their names and kinds are those of exporter-toolkit's
test data: a server's behind a chain of two authorities, and two clients' that sign themselves."""

import os
import shutil
import subprocess


def openssl(*arguments, folder):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def make_authority(folder, name, subject, issuer=None):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name + ".key", folder=folder)
    openssl("req", "-new", "-key", name + ".key", "-subj", subject, "-out", name + ".csr", folder=folder)
    sign(folder, name, issuer, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")


def sign(folder, name, issuer, extensions):
    with open(os.path.join(folder, name + ".ext"), "w", encoding="utf-8") as file:
        file.write(extensions)
    by = ["-CA", issuer + ".crt", "-CAkey", issuer + ".key", "-CAcreateserial"] if issuer else ["-signkey", name + ".key"]
    openssl("x509", "-req", "-in", name + ".csr", "-days", "3", "-sha256", "-extfile", name + ".ext", "-out", name + ".crt",
            *by, folder=folder)


def make_server(folder, name, issuer, key="RSA"):
    kind = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if key == "RSA" else \
        ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    openssl("genpkey", *kind, "-out", name + ".key", folder=folder)
    openssl("req", "-new", "-key", name + ".key", "-subj", "/C=US/O=Prometheus/CN=localhost", "-out", name + ".csr",
            folder=folder)
    sign(folder, name, issuer,
         "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")


def make_client(folder, name, subject, names=None):
    """Signs itself, and may sign others, as the reference's do."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key",
            "-out", name + ".pem", "-days", "3", "-sha256", "-subj", subject, "-addext", "extendedKeyUsage=clientAuth",
            *(["-addext", "subjectAltName=" + names] if names else []), folder=folder)


def make_all(folder):
    """Everything that the cases name, and "other": a second server of the same authority."""
    make_authority(folder, "root", "/CN=Prometheus Root CA")
    make_authority(folder, "between", "/CN=Prometheus TLS CA", "root")
    make_server(folder, "server", "between")
    make_server(folder, "other", "between", "EC")
    make_client(folder, "client_selfsigned", "/CN=test")
    make_client(folder, "client2_selfsigned", "/CN=test2", "DNS:test2,DNS:test3,email:ops@example.org,IP:127.0.0.9")
    with open(os.path.join(folder, "tls-ca-chain.pem"), "wb") as chain:
        for name in ("between.crt", "root.crt"):
            with open(os.path.join(folder, name), "rb") as file:
                shutil.copyfileobj(file, chain)
