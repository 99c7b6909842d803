"""Every case of `--web.config.file`: files that start or are refused, TLS clients of every kind, passwords, reloads.

The cases of the repository run always; those of the outside file too, where it is present and says something else.
"""

import base64
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

from certificates import make_all
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response, shared_cases
from tls_client import tls_request
from web_config_cases import outside_cases, own_cases

# At most so many gateways at a time: what is slow is the start of openssl.
AT_ONCE = 4


def with_pem(config, folder):
    """Puts the lines of files where `<PEM name>` stands, indented like it."""
    def lines(match):
        with open(os.path.join(folder, match.group(2)), encoding="ascii") as file:
            return "".join(match.group(1) + line for line in file).rstrip("\n")
    return re.sub(r"([ ]*)<PEM ([^>]+)>", lines, config)


class Case:
    def __init__(self, case, options, certificates, parent):
        self.case = case
        self.options = options
        self.folder = os.path.join(parent, re.sub(r"[^A-Za-z0-9]", "_", case["id"]))
        self.certificates = certificates
        shutil.copytree(certificates, self.folder)
        self.path = os.path.join(self.folder, "case.yml")
        self.failures = []
        self.made = 0

    def write(self, config):
        text = with_pem(config, self.folder).replace("DIR/", self.folder + "/")
        # As an editor does: a file that is there is complete.
        with open(self.path + ".new", "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.replace(self.path + ".new", self.path)

    def check(self, condition, *what):
        self.made += 1
        if not condition:
            self.failures.append(" ".join(str(part) for part in (self.case["id"], *what)))

    def run(self):
        if self.case["config"] is None:
            self.path = os.path.join(self.folder, "somefile")
        else:
            self.write(self.case["config"])
        if "refused" in self.case:
            self.run_refused()
        else:
            with Gateway(self.options.binary, ["--web.config.file=" + self.path], backend=self.options.backend) as gateway:
                for index, request in enumerate(self.case["requests"]):
                    self.run_request(gateway, index, request)
        shutil.rmtree(self.folder)
        return self

    def run_refused(self):
        done = subprocess.run(
            [self.options.binary, "--web.listen-address=127.0.0.1:0", "--web.config.file=" + self.path],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)
        said = done.stderr.decode("utf-8", "replace").replace(self.folder, "DIR")
        self.check(done.returncode == 1, "exit code", done.returncode, said)
        self.check("sluice: error: " + self.case["refused"] + "\n" in said, "wanted", self.case["refused"], "got", said)
        checked = subprocess.run([self.options.binary, "check-config", self.path], capture_output=True, timeout=60)
        same = checked.stderr.decode("utf-8", "replace").replace(self.folder, "DIR")
        self.check(checked.returncode == 1 and self.case["refused"] in same, "check-config", checked.returncode, same)

    def change(self, action, what):
        if action == "write":
            self.write(what)
        elif action == "delete":
            os.remove(self.path)
        elif action == "restore":
            for name in ("server.crt", "server.key"):
                shutil.copy(os.path.join(self.certificates, name), os.path.join(self.folder, name))
        else:  # copy and copyone: pairs of from and to
            for source, target in zip(what[0::2], what[1::2]):
                shutil.copy(os.path.join(self.certificates, source), os.path.join(self.folder, target))

    def run_request(self, gateway, index, request):
        if "before" in request:
            self.change(*request["before"])
        headers = [tuple(pair) for pair in request.get("headers", [])] + [("Connection", "close")]
        if "basic_auth" in request:
            token = base64.b64encode(request["basic_auth"].encode("utf-8")).decode("ascii")
            headers.append(("Authorization", "Basic " + token))
        data = make_request(request["method"], request["target"], request.get("body", "").encode("utf-8"), headers)
        for _ in range(request.get("repeat", 1)):
            if request.get("tls"):
                self.judge_tls(index, request, gateway, data)
            else:
                self.judge_plain(index, request, gateway, data)

    def judge_plain(self, index, request, gateway, data):
        want = request["want"]
        with gateway.connect() as sock:
            sock.sendall(data)
            response = read_response(Reader(sock), request["method"])
        self.check(response.status == want["status"], index, "status", response.status, "wanted", want["status"])
        if "body" in want:
            self.check(response.text == want["body"], index, "body", repr(response.text), "wanted", repr(want["body"]))
        for name, value in want.get("headers", {}).items():
            got = [v for k, v in response.headers if k.lower() == name.lower()]
            self.check(got == [value], index, name, got, "wanted", value)

    def judge_tls(self, index, request, gateway, data):
        want = request["want"]
        if self.case["id"] == "tls-reneg":
            data = b"R\n" + data  # what a client's "renegotiate" key would send without -ign_eof
        answer = tls_request(gateway.port, data, request.get("arguments", ()), self.folder)
        if "alert" in want:
            self.check(answer.status is None, index, "status", answer.status, "wanted a refusal")
            if want["alert"]:
                self.check(answer.alert == want["alert"], index, "alert", answer.alert, "wanted", want["alert"],
                           answer.errors[-600:])
            return
        self.check(answer.status == want["status"], index, "status", answer.status, "wanted", want["status"],
                   answer.errors[-600:])
        for name in ("protocol", "cipher", "group", "alpn", "sessions"):
            if name in want:
                got = getattr(answer, name)
                self.check(got == want[name], index, name, got, "wanted", want[name])


def run_cases(checks, options, cases, certificates, parent):
    """How many gave what is wanted."""
    good = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for case in pool.map(lambda case: Case(case, options, certificates, parent).run(), cases):
            good += not case.failures
            checks.made += case.made
            for failure in case.failures:
                checks.made -= 1
                checks.that(False, failure)
    return good


def main():
    options = arguments(only="")
    checks = Checks("web_config")
    cases = own_cases()
    outside = shared_cases()
    if outside:
        known = {case["id"]: case for case in cases}
        more = [case for case in outside_cases(os.path.join(outside, "exporter_toolkit.json"))
                if known.get(case["id"]) != case]
        print("%d outside cases say something else than ours" % len(more))
        cases += more
    else:
        checks.skip("outside cases", "no shared folder beside the repository")
    cases = [case for case in cases if re.search(options.only, case["id"])]
    with tempfile.TemporaryDirectory(prefix="sluice-web-config-") as parent:
        certificates = os.path.join(parent, "certificates")
        os.mkdir(certificates)
        make_all(certificates)
        good = run_cases(checks, options, cases, certificates, parent)
    print("%d of %d cases give the wanted outcome" % (good, len(cases)))
    checks.finish()


if __name__ == "__main__":
    sys.exit(main())
