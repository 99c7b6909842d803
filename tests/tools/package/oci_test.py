"""tools/package oci: the image keeps the reference's contract. It is unpacked and run as a container runtime runs it, in a
mount namespace, as 65534, with a read-only root and a volume on which a Pushgateway has left its file.

    oci_test.py --binaries FOLDER      a folder with sluice and sluice-load
"""

import argparse
import filecmp
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
from gateway import Checks, Gateway  # pylint: disable=wrong-import-position

WRITTEN_BY_REFERENCE = os.path.join(SOURCE, "tests", "parser", "data", "gob", "everything")
USER = 65534


def package(binaries, out):
    done = subprocess.run([os.path.join(SOURCE, "tools", "package"), "oci", "--binaries", binaries, "--out", out],
                          capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout.strip().split("\n")[-1]


class Image:
    """The layout, unpacked as a runtime does it: every blob is what its digest says."""

    def __init__(self, checks, file, folder):
        self.folder, self.checks = folder, checks
        with tarfile.open(file) as tar:
            tar.extractall(folder)
        self.layout = self._read("oci-layout")
        index = self._read("index.json")
        checks.equal(len(index["manifests"]), 1, "one manifest")
        self.manifest = json.loads(self.blob(index["manifests"][0]))
        self.configuration = json.loads(self.blob(self.manifest["config"]))
        self.config = self.configuration["config"]

    def _read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return json.load(file)

    def blob(self, descriptor):
        algorithm, digest = descriptor["digest"].split(":")
        with open(os.path.join(self.folder, "blobs", algorithm, digest), "rb") as file:
            data = file.read()
        self.checks.equal((hashlib.sha256(data).hexdigest(), len(data)), (digest, descriptor["size"]), "blob", descriptor)
        return data

    def unpack(self, root):
        """Owners and modes included, which needs root."""
        os.mkdir(root)
        for descriptor, diff in zip(self.manifest["layers"], self.configuration["rootfs"]["diff_ids"]):
            self.blob(descriptor)
            path = os.path.join(self.folder, "blobs", *descriptor["digest"].split(":"))
            plain = subprocess.run(["gzip", "--decompress", "--stdout", path], capture_output=True, check=True).stdout
            self.checks.equal("sha256:" + hashlib.sha256(plain).hexdigest(), diff, "the layer's own digest")
            subprocess.run(["tar", "--extract", "--preserve-permissions", "--numeric-owner", "--directory", root], input=plain,
                           check=True)

    def docker_archive(self):
        """The older list for docker load."""
        return self._read("manifest.json")[0]


def check_contract(checks, image, version):
    config = image.config
    checks.equal(config["User"].split(":")[0], "65534", "the user")
    checks.equal(config["WorkingDir"], "/pushgateway", "the working folder")
    checks.equal(list(config["ExposedPorts"]), ["9091/tcp"], "the port")
    checks.equal(config["Entrypoint"], ["/bin/pushgateway"], "the entry point")
    checks.that("Cmd" not in config and "Volumes" not in config, "arguments are flags, and no volume is made")
    checks.equal(image.layout, {"imageLayoutVersion": "1.0.0"}, "the layout's version")
    checks.equal(config["Labels"]["org.opencontainers.image.version"], version, "the version")
    archive = image.docker_archive()
    checks.equal([archive["Config"], *archive["Layers"]],
                 ["blobs/sha256/" + part["digest"][7:] for part in (image.manifest["config"], *image.manifest["layers"])],
                 "docker load gets the same blobs")


def check_dockerfile(checks, config):
    """The other way to an image makes the same promises."""
    with open(os.path.join(SOURCE, "Dockerfile"), encoding="utf-8") as file:
        text = file.read()
    final = text[text.rindex("\nFROM "):]
    said = dict(re.findall(r"^(USER|WORKDIR|EXPOSE|ENTRYPOINT) (.*)$", final, re.M))
    checks.equal(said["USER"].split(":")[0], config["User"], "Dockerfile: USER")
    checks.equal(said["WORKDIR"], config["WorkingDir"], "Dockerfile: WORKDIR")
    checks.equal([said["EXPOSE"] + "/tcp"], list(config["ExposedPorts"]), "Dockerfile: EXPOSE")
    checks.equal(json.loads(said["ENTRYPOINT"]), config["Entrypoint"], "Dockerfile: ENTRYPOINT")
    checks.that(not re.search(r"^(CMD|VOLUME) ", final, re.M), "Dockerfile: neither CMD nor VOLUME")
    checks.that("chown 65534:65534 /pushgateway" in final, "Dockerfile: the working folder is the user's")
    checks.that("ln -s sluice /out/bin/pushgateway" in text, "Dockerfile: /bin/pushgateway")


class Container:
    """What a runtime makes of the image's configuration."""

    def __init__(self, image, root):
        self.config, self.root = image.config, root

    def wrapper(self, *more):
        options = ["--root", self.root, "--read-only", "--user", "%s:%s" % (self.config["User"], self.config["User"]),
                   "--cwd", self.config["WorkingDir"]]
        for pair in self.config["Env"]:
            options += ["--env", pair]
        return [sys.executable, "-B", os.path.join(HERE, "rooted.py"), *options, *more, "--"]

    def run(self, *flags, options=()):
        return subprocess.run([*self.wrapper(*options), *self.config["Entrypoint"], *flags], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60, check=False)

    def gateway(self, *flags, options=(), address="127.0.0.1:0"):
        return Gateway(self.config["Entrypoint"][0], flags, address=address, wrapper=self.wrapper(*options))


def check_programs(checks, container):
    done = container.run("--version")
    checks.that(done.returncode == 0 and done.stdout.startswith("sluice, version"), "arguments are flags", done.stdout, done.stderr)
    for program in ("/bin/sluice", "/bin/sluice-load"):
        done = subprocess.run([*container.wrapper(), program, "--help"], capture_output=True, text=True, timeout=60, check=False)
        checks.equal(done.returncode, 0, program, done.stderr)
    owners = {}
    for name in ("/", "/bin/sluice", "/etc", "/lib64", "/pushgateway"):
        owners[name] = os.stat(container.root + name).st_uid
    checks.equal(owners, {"/": 0, "/bin/sluice": 0, "/etc": 0, "/lib64": 0, "/pushgateway": USER}, "owners")


def check_port(checks, container):
    """Without flags it is :9091, tried in a network of its own; a runtime's default policy refuses io_uring."""
    with container.gateway(address=None, options=["--network", "--refuse", "io_uring_setup=EPERM"]) as gateway:
        checks.equal(gateway.port, 9091, "the default port")
        answers = [subprocess.run(["nsenter", "--target", str(gateway.process.pid), "--net", "curl", "--silent", "--fail", "--max-time",
                                   "60", *words, "http://127.0.0.1:9091" + path], capture_output=True, text=True, check=False)
                   for path, words in (("/-/ready", []), ("/metrics/job/j", ["--data-binary", "x 1\n"]), ("/metrics", []))]
        checks.equal([answer.returncode for answer in answers], [0, 0, 0], "it serves there", answers)
        checks.that('x{instance="",job="j"} 1\n' in answers[2].stdout, "what was pushed is in the scrape")
        checks.that('sluice_backend_info{backend="epoll"} 1' in answers[2].stdout, "on epoll")
        checks.equal(gateway.stop(), 0, "exit code")


def check_state(checks, container, folder):
    """The volume of a Pushgateway, which wrote its file as 65534 with mode 0600."""
    volume = os.path.join(folder, "volume")
    os.mkdir(volume, 0o700)
    file = os.path.join(volume, "state")
    shutil.copyfile(WRITTEN_BY_REFERENCE, file)
    os.chmod(file, 0o600)
    for path in (volume, file):
        os.chown(path, USER, USER)
    # The relative path is the reason for a working folder.
    flags, options = ["--persistence.file=state", "--push.enable-utf8-names"], ["--bind", volume + ":/pushgateway"]
    with container.gateway(*flags, options=options) as gateway:
        with open("/proc/%d/mountinfo" % gateway.process.pid, encoding="utf-8") as mounts:
            modes = {line.split()[4]: line.split()[5].split(",")[0] for line in mounts}
        checks.equal({path: modes[path] for path in ("/", "/pushgateway")}, {"/": "ro", "/pushgateway": "rw"}, "what is writable")
        with open("/proc/%d/status" % gateway.process.pid, encoding="utf-8") as status:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        checks.equal((fields["Uid"].split(), fields["CapEff"]), (["65534"] * 4, "0" * 16), "its rights")
        text = gateway.scrape().text
        checks.equal(len(re.findall(r"^push_time_seconds\{", text, re.M)), 16, "the groups of the file")
        checks.equal(gateway.request("PUT", "/metrics/job/after", b"x 1\n").status, 200, "push")
        checks.equal(gateway.stop(), 0, "exit code")
    with container.gateway(*flags, options=options) as gateway:
        text = gateway.scrape().text
        checks.equal(len(re.findall(r"^push_time_seconds\{", text, re.M)), 17, "after a restart")
        checks.that('x{instance="",job="after"} 1\n' in text, "and the push")
    check_modes(checks, file)
    give_to_group(volume)
    with container.gateway(*flags, options=options) as gateway:
        checks.equal(len(re.findall(r"^push_time_seconds\{", gateway.scrape().text, re.M)), 17, "with the modes of fsGroup")
        checks.equal(gateway.request("PUT", "/metrics/job/grouped", b"x 1\n").status, 200, "push with the modes of fsGroup")


def check_modes(checks, file):
    checks.that(filecmp.cmp(file, WRITTEN_BY_REFERENCE, shallow=False), "the Pushgateway's file is as it was")
    status = os.stat(file)
    checks.equal((status.st_uid, status.st_mode & 0o777), (USER, 0o600), "its owner and mode too")
    written = os.stat(file + ".sluice")
    checks.equal((written.st_uid, written.st_mode & 0o777), (USER, 0o700), "what it keeps itself")


def give_to_group(volume):
    """What a kubelet does to a volume for fsGroup: the group may read and write everything, and new files are the group's."""
    for folder, _, files in os.walk(volume):
        os.chown(folder, -1, USER)
        os.chmod(folder, os.stat(folder).st_mode & 0o777 | 0o2770)
        for name in files:
            os.chmod(os.path.join(folder, name), 0o660)


def check_read_only(checks, container):
    """Without a volume there is nowhere to keep anything, and it says so instead of losing it later."""
    done = container.run("--web.listen-address=127.0.0.1:0", "--persistence.file=state")
    checks.that(done.returncode == 1 and "Read-only file system" in done.stderr, "no volume", done.stderr)


def check_zones(checks, container):
    """TZ is the zone of the JSON API's times, as in the reference's image."""
    with container.gateway(options=["--env", "TZ=Asia/Kolkata"]) as gateway:
        answer = json.loads(gateway.request("GET", "/api/v1/status").text)
        checks.that(answer["data"]["start_time"].endswith("+05:30"), "a zone by its name", answer["data"]["start_time"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binaries", required=True)
    options = parser.parse_args()
    checks = Checks("oci")
    with tempfile.TemporaryDirectory(prefix="sluice-oci-") as folder:
        os.chmod(folder, 0o755)
        file = package(options.binaries, folder)
        checks.that(filecmp.cmp(file, package(options.binaries, os.path.join(folder, "again")), shallow=False), "made twice, the same bytes")
        image = Image(checks, file, os.path.join(folder, "layout"))
        check_contract(checks, image, os.path.basename(file).split("_")[1])
        check_dockerfile(checks, image.config)
        if os.getuid() != 0:
            checks.skip("the image under unshare", "owners and namespaces need root")
        else:
            root = os.path.join(folder, "root")
            image.unpack(root)
            container = Container(image, root)
            check_programs(checks, container)
            check_port(checks, container)
            check_state(checks, container, folder)
            check_read_only(checks, container)
            check_zones(checks, container)
    checks.finish()


if __name__ == "__main__":
    main()
