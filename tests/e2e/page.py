"""The page in a real browser: Debian's Chromium, driven by playwright-core out of npm (page/browse.mjs).

Searches, filters, keyboard, deletion, wipe, pushes that fail while one looks, a route prefix, dark, narrow, without
JavaScript, a hidden tab, hostile labels, axe. Screenshots go to build/screenshots. The time of a search is printed and
judges nothing. Not run where there is no browser that is more than a snap's starter, no node, or no way to npm's registry.
"""

import json
import os
import shutil
import subprocess

from api import NATIVE, PROTOBUF
from client_programs import CLIENTS, NotToBeHad, run
from gateway import SOURCE, Checks, Gateway, Reader, arguments, make_request, read_response

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page")
PACKAGES = ("playwright-core@1.65.1", "axe-core@4.14.1")
SHOTS = os.path.join(SOURCE, "build", "screenshots")


def find_browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path and run([path, "--version"]).returncode == 0:
            return path
    raise NotToBeHad("there is no Chromium that can be started")


def find_modules():
    folder = os.path.join(CLIENTS, "page")
    if not shutil.which("node"):
        raise NotToBeHad("there is no node")
    if not all(os.path.isdir(os.path.join(folder, "node_modules", package.split("@")[0])) for package in PACKAGES):
        os.makedirs(folder, exist_ok=True)
        run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, *PACKAGES], why="npm install")
    return os.path.join(folder, "node_modules")


def push_many(gateway, count):
    body = "".join("# TYPE m%d gauge\nm%d{i=\"x\"} %d\n" % (i, i, i) for i in range(10)).encode()
    with gateway.connect() as sock:
        reader = Reader(sock)
        for start in range(0, count, 200):
            numbers = range(start, min(start + 200, count))
            sock.sendall(b"".join(make_request("PUT", "/metrics/job/etl-%02d/zone/eu-%d/n/%d" % (n % 40, n % 3, n), body) for n in numbers))
            for _ in numbers:
                read_response(reader)


def main():
    options = arguments(groups=100000)
    checks = Checks("page")
    try:
        browser, modules = find_browser(), find_modules()
    except NotToBeHad as reason:
        checks.skip("browser", reason)
        checks.finish()
    os.makedirs(SHOTS, exist_ok=True)
    admin = ["--web.enable-admin-api", "--push.enable-utf8-names"]
    with Gateway(options.binary, admin, options.backend) as plain, Gateway(options.binary, ["--web.route-prefix=/p"], options.backend) as prefixed, \
            Gateway(options.binary, ["--web.external-url=http://proxy.test/outer/", "--web.route-prefix=/"], options.backend) as outer, \
            Gateway(options.binary, admin, options.backend) as large:
        push_many(large, options.groups - 1)
        large.request("PUT", "/metrics/job/native", NATIVE, PROTOBUF)
        told = {"plain": "http://127.0.0.1:%d/" % plain.port, "prefixed": "http://127.0.0.1:%d/p/" % prefixed.port, "outer": "http://127.0.0.1:%d/" % outer.port,
                "large": "http://127.0.0.1:%d/" % large.port, "groups": options.groups, "browser": browser, "modules": modules, "shots": SHOTS, "seconds": 900}
        done = subprocess.run(["node", os.path.join(HERE, "browse.mjs"), json.dumps(told)], capture_output=True, text=True, timeout=1000, check=False)
    for line in done.stdout.splitlines():
        said = json.loads(line)
        if "check" in said:
            checks.that(said["ok"], said["check"], said["detail"])
        elif "measured" in said:
            print("%s: %s" % (said["measured"], said["value"]))
        else:
            checks.that(False, "the run ended early:", said["failed"], said["complaints"])
    checks.equal(done.returncode, 0, "exit code", done.stderr[-1000:])
    checks.that(checks.made > 90, "only", checks.made, "checks were made")
    checks.finish()


if __name__ == "__main__":
    main()
