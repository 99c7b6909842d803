"""The cases of `--web.config.file`: what is on disk, what is asked, what has to come back.

    web_config_cases.py FILE     writes tests/e2e/data/web_config.json from exporter_toolkit.json, the outside cases

A case of ours: `id`, `config` (null: there is no such file), `refused` (what the process has to say when it ends with exit
code 1) or `requests`. `<PEM name>` in a config stands for the lines of that file, made by the test. A request has what
the client does, and `want`: `status`, `headers` and `body`, or for TLS `alert` (a number, or 0 for any) and `protocol`,
`cipher`, `group`, `alpn`.

What is recorded from the reference holds, but for DIFFERENCES.
"""

import json
import os
import re
import sys

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "web_config.json")

KEPT = "a broken, emptied or deleted file keeps the last good version (README, differences)"
NO_HTTP2 = "HTTP/2 is not spoken: HTTP/1.1 where a client offers it, else no common protocol"
OPENSSL_ALERT = "OpenSSL says handshake_failure where no certificate came over TLS 1.2, Go bad_certificate"
NO_NAMES = "the reference panics; a client without a certificate is refused"

# (case, request): what is wanted instead, and why.
DIFFERENCES = {
    ("reload-users", 3): ({"status": 200}, KEPT),
    ("reload-users", 4): ({"status": 401}, KEPT),
    ("reload-users", 6): ({"status": 200}, KEPT),
    ("reload-users", 7): ({"status": 401}, KEPT),
    ("reload-users", 8): ({"status": 401}, KEPT),
    ("reload-users", 9): ({"status": 401}, KEPT),
    ("reload-headers", 2): ({"status": 200, "headers": {"X-Frame-Options": "sameorigin"}}, KEPT),
    ("reload-tls-cert", 2): ({"status": 200}, KEPT),
    ("reload-tls-cert", 4): ({"status": 200}, KEPT),
    ("reload-tls-cert", 6): ({"status": 200}, KEPT),
    ("alpn-h2-http2=True", 0): ({"alert": 120}, NO_HTTP2),
    ("alpn-h2,http/1.1-http2=True", 0): ({"status": 200, "alpn": "http/1.1"}, NO_HTTP2),
    ("alpn-http/1.1,h2-http2=True", 0): ({"status": 200, "alpn": "http/1.1"}, NO_HTTP2),
    **{("clientauth-%s-%s" % (kind, ca), 4): ({"alert": 40}, OPENSSL_ALERT) for ca in ("ca", "noca")
       for kind in ("RequireClientCert", "RequireAnyClientCert", "RequireAndVerifyClientCert")},
    ("san-no-cert-request", 0): ({"alert": 116}, NO_NAMES),
    ("san-no-cert-ifgiven", 0): ({"alert": 116}, NO_NAMES),
}

# What the process says instead of the reference's words, where the words are of a library.
OTHER_WORDS = {"yamlx-43": "yaml: nested too deeply"}


def without_pem(case_id, config):
    name = "client_selfsigned.pem" if case_id == "clientauth-ca-inline" else "server.crt"
    config = re.sub(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", "<PEM %s>" % name, config, flags=re.S)
    return re.sub(r"<PEM of a private key[^>]*>", "<PEM server.key>", config)


def wanted(case_id, index, request, recorded):
    if (case_id, index) in DIFFERENCES:
        return DIFFERENCES[case_id, index][0]
    expect = request.get("expect")
    if recorded is None:
        return {"alert": 0} if expect == "alert" else {"status": expect}
    if not request.get("tls"):
        want = {"status": recorded["status"], "body": recorded["body"]}
        if recorded["headers"]:
            want["headers"] = recorded["headers"]
        return want
    if recorded["status"] is None:
        alert = re.search(r"alert number (\d+)", recorded.get("alert", ""))
        return {"alert": int(alert.group(1)) if alert else 0}
    want = {key: recorded[key] for key in ("status", "protocol", "cipher", "alpn") if key in recorded}
    if want["protocol"] == "TLSv1.0":  # recorded is what the cipher suite needs at least
        spoken = {"-tls1": "TLSv1", "-tls1_1": "TLSv1.1"}
        want["protocol"] = next((spoken[word] for word in request["openssl_s_client_args"] if word in spoken), "TLSv1.2")
    if "group" in recorded:
        want["group"] = re.sub(r"^ECDH, |, \d+ bits$", "", recorded["group"])
    if "sessions" in recorded:
        want["sessions"] = recorded["sessions"]
    return want


def converted(outside):
    """A case of ours out of one of exporter_toolkit.json."""
    case = {"id": outside["id"], "config": outside["config"]}
    if case["config"] is not None:
        case["config"] = without_pem(case["id"], case["config"])
    recorded = outside["recorded"]
    if recorded["start"] != "ok":
        case["refused"] = OTHER_WORDS.get(case["id"], recorded["error"])
        return case
    answers = recorded.get("requests", [])
    case["requests"] = []
    for index, request in enumerate(outside["requests"]):
        ours = {"method": "GET", "target": "/-/ready"}
        ours.update({key: value for key, value in request.items() if key not in ("expect", "openssl_s_client_args")})
        if "openssl_s_client_args" in request:
            ours["arguments"] = request["openssl_s_client_args"]
        if "before" in ours and ours["before"][0] == "write":
            ours["before"] = ["write", without_pem(case["id"], ours["before"][1])]
        answer = answers[index] if index < len(answers) else None
        ours["want"] = wanted(case["id"], index, request, answer)
        case["requests"].append(ours)
    return case


def outside_cases(path):
    with open(path, encoding="utf-8") as file:
        return [converted(case) for case in json.load(file)["cases"]]


def own_cases():
    with open(DATA, encoding="utf-8") as file:
        return json.load(file)


def main():
    cases = outside_cases(sys.argv[1])
    with open(DATA, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
