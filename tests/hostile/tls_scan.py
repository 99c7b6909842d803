"""testssl.sh against a gateway with TLS: no finding of weight but those that are expected, each with its reason.

    python3 tests/hostile/tls_scan.py --binary build/release/sluice [--backend epoll] [--long]

The short form looks at protocols and the known attacks on them; `--long` at everything that testssl.sh knows, which takes
minutes. The tool is fetched by tools/peers; where it cannot be had, this is not run.
"""

import argparse
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile

from tls_gateway import encrypted

from gateway import SOURCE, Checks, stop_where_refused

SHORT = ["--protocols", "--heartbleed", "--ccs-injection", "--renegotiation", "--compression", "--robot"]
HARMLESS = {"OK", "INFO", "DEBUG"}
# Findings of weight that do not say anything about the gateway, or that are chosen: pattern of the id -> why.
EXPECTED = {
    "cert_*": "the certificate is made for the run: it signs itself, lasts three days, and nobody can revoke it",
    "OCSP_stapling": "of the certificate",
    "DNS_CAArecord": "localhost has no DNS",
    "HSTS": "a header that the web config may set",
    "security_headers": "headers that the web config may set",
    "cipherlist_AVERAGE": "CBC suites of TLS 1.2, which Go calls secure and the toolkit has by default; cipher_suites takes them away",
    "cipherlist_OBSOLETED": "the same under its later name",
    "sessionresumption_ticket": "the tool could not try it with this openssl",
    "cipher-tls1_2_*": "the same suites one by one",
    "cipher_x*": "the same suites one by one",
    "LUCKY13": "possible with CBC suites; OpenSSL's are of constant time",
    "overall_grade": "capped by the certificate",
    "grade_cap_reason_*": "capped by the certificate",
    "engine_problem": "of the tool",
    "scanProblem": "of the tool",
    "optimal_proto": "of the tool",
    "old_fart": "of the tool: it runs with this machine's openssl",
}


def tool():
    """The program, or None and why not."""
    done = subprocess.run([os.path.join(SOURCE, "tools", "peers"), "testssl"], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        return None, (done.stderr.strip() or "tools/peers failed").split("\n")[-1]
    program = done.stdout.strip().split("\n")[-1]
    missing = [name for name in ("bash", "openssl", "hexdump", "ps") if shutil.which(name) is None]
    return (None, "there is no " + missing[0]) if missing else (program, "")


def scan(program, port, long, folder):
    """The findings of one run."""
    # It refuses to begin without a program that asks the DNS, though an address is given.
    stub = os.path.join(folder, "bin")
    os.mkdir(stub)
    with open(os.path.join(stub, "host"), "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 1\n")
    os.chmod(os.path.join(stub, "host"), 0o755)
    found = os.path.join(folder, "findings.json")
    data = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(program)))), "etc", "testssl")
    command = [program, "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", "--jsonfile", found,
               *([] if long else SHORT), "127.0.0.1:%d" % port]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=3600 if long else 540, check=False,
                          env={**os.environ, "PATH": stub + ":" + os.environ["PATH"], "TESTSSL_INSTALL_DIR": data})
    try:
        with open(found, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        print(done.stdout.decode("utf-8", "replace")[-2000:])
        return []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--backend")
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    if options.backend == "io_uring":
        stop_where_refused(options)
    checks = Checks("tls_scan")
    program, why_not = tool()
    if program is None:
        checks.skip("tls_scan", why_not)
        checks.finish()
    with tempfile.TemporaryDirectory(prefix="sluice-hostile-tls-") as folder, encrypted(options) as gateway:
        findings = scan(program, gateway.port, options.long, folder)
        checks.that(gateway.scrape().status == 200, "the gateway serves afterwards")
    weights = {}
    for finding in findings:
        weights[finding["severity"]] = weights.get(finding["severity"], 0) + 1
        reason = next((EXPECTED[pattern] for pattern in EXPECTED if fnmatch.fnmatch(finding["id"], pattern)), None)
        if finding["severity"] in HARMLESS:
            continue
        print("%s %s: %s%s" % (finding["severity"], finding["id"], finding["finding"], " (%s)" % reason if reason else ""))
        checks.that(reason is not None, "unexpected finding", finding)
    ids = {finding["id"]: finding["finding"] for finding in findings}
    for name, wanted in (("SSLv2", "not offered"), ("SSLv3", "not offered"), ("TLS1", "not offered"), ("TLS1_1", "not offered"),
                         ("TLS1_2", "offered"), ("TLS1_3", "offered"), ("heartbleed", "not vulnerable"), ("CCS", "not vulnerable"),
                         ("secure_client_renego", "not vulnerable"), ("CRIME_TLS", "not vulnerable")):
        checks.that(ids.get(name, "nothing").startswith(wanted), name, "wanted:", wanted, "got:", ids.get(name))
    print("%d findings: %s" % (len(findings), ", ".join("%d %s" % (weights[name], name) for name in sorted(weights))))
    checks.finish()


if __name__ == "__main__":
    sys.exit(main())
