"""tools/package deb: the package is installed, pushed to, upgraded, removed and purged in a fresh Debian root. There is no
systemd there, so the gateway is started as the unit's ExecStart says, in what the unit leaves writable and with the system
calls that it allows.

    deb_test.py --binaries FOLDER      a folder with sluice and sluice-load
"""

import argparse
import filecmp
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

from debian_root import APT, SOURCE, DebianRoot
from service_unit import Service, allowed
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
from gateway import Checks, Gateway  # pylint: disable=wrong-import-position

UNIT = "/usr/lib/systemd/system/sluice.service"
WANTED = "/etc/systemd/system/multi-user.target.wants/sluice.service"
STATE = "/var/lib/sluice"
# What dpkg tells the scripts that it runs.
AS_DPKG = "export DPKG_MAINTSCRIPT_PACKAGE=sluice; "
# Not in the package's hand: how the build is made, init scripts, and three letters that happen to stand in a program.
LINTIAN_EXPECTED = re.compile(r"hardening-no-fortify|package-supports-alternative-init-but-no-init.d-script|spelling-error-in-binary")


def package(binaries, out, *more):
    done = subprocess.run([os.path.join(SOURCE, "tools", "package"), "deb", "--binaries", binaries, "--out", out, *more],
                          capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout.strip().split("\n")[-1]


def check_arguments(checks):
    for words, sentence in ((["rpm"], "unknown argument 'rpm'"), ([], "what is to be made"), (["deb", "--out"], "--out needs a value"),
                            (["deb", "--version", "1_0"], "'1_0' is not a version")):
        done = subprocess.run([os.path.join(SOURCE, "tools", "package"), "--binaries", "/nonexistent", *words],
                              capture_output=True, text=True, timeout=600, check=False)
        checks.that(done.returncode == 1 and sentence in done.stderr, words, done.stdout, done.stderr)


def field(file, name):
    return subprocess.run(["dpkg-deb", "--field", file, name], capture_output=True, text=True, check=True).stdout.strip()


def check_file(checks, binaries, folder):
    """What can be said of the file alone."""
    file = package(binaries, folder)
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    checks.equal(os.path.basename(file), "sluice_%s_%s.deb" % (field(file, "Version"), architecture), "the file's name")
    again = package(binaries, os.path.join(folder, "again"))
    checks.that(filecmp.cmp(file, again, shallow=False), "made twice, the same bytes")
    for library in ("libc6", "libstdc++6", "liburing2", "adduser"):
        checks.that(re.search(r"(^|, )%s\b" % re.escape(library), field(file, "Depends")), "depends on", library, field(file, "Depends"))
    if shutil.which("lintian") is None:
        checks.skip("lintian", "it is not installed")
        return file
    done = subprocess.run(["lintian", "--allow-root", "--display-info", "--pedantic", file], capture_output=True, text=True,
                          timeout=300, check=False)
    found = [line for line in done.stdout.split("\n") if line and not line.startswith("N:") and not LINTIAN_EXPECTED.search(line)]
    checks.equal(found, [], "lintian")
    return file


def check_units(checks, root):
    """systemd's own reading of the units."""
    if shutil.which("systemd-analyze") is None:
        checks.skip("systemd-analyze", "it is not installed")
        return
    for unit in (UNIT, UNIT.replace(".service", ".socket")):
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", root.outside(unit)],
                              capture_output=True, text=True, timeout=120, check=False)
        about = [line for line in done.stderr.split("\n") if "sluice" in line and "is not executable" not in line]
        checks.equal(about, [], "systemd-analyze verify", unit)
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", root.outside(UNIT)],
                          capture_output=True, text=True, timeout=120, check=False)
    checks.equal(done.returncode, 0, "systemd-analyze security", done.stdout, done.stderr)


def check_confined(checks, root, gateway):
    """What the unit takes away is not missed: the same backend as without, and the state is written."""
    if not Service(root, UNIT).system_calls():
        checks.skip("SystemCallFilter", "systemd-analyze is not installed")
        return
    with open("/proc/%d/status" % gateway.process.pid, encoding="utf-8") as status:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    checks.equal((fields["Seccomp"], fields["NoNewPrivs"], fields["CapEff"]), ("2", "1", "0" * 16), "its confinement")
    calls = allowed(Service(root, UNIT).settings["SystemCallFilter"])
    checks.that("io_uring_setup" in calls and "setuid" not in calls and "mount" not in calls and len(calls) > 100, "calls", len(calls))
    with Gateway(Service(root, UNIT).program, address="127.0.0.1:0", wrapper=root.wrapper()) as free:
        wanted = [line for line in free.scrape().text.split("\n") if line.startswith("sluice_backend_info{")]
    checks.that(wanted[0] + "\n" in gateway.scrape().text, "the backend that it has without", wanted)


def push(checks, gateway, name, value):
    answer = gateway.request("PUT", "/metrics/job/%s" % name, b"kept %d\n" % value)
    checks.equal(answer.status, 200, "push", name)


def check_kept(checks, gateway, names, *what):
    text = gateway.scrape().text
    for name, value in names.items():
        checks.that('kept{instance="",job="%s"} %d\n' % (name, value) in text, *what, name, text)


def serve(root):
    service = Service(root, UNIT)
    return Gateway(service.program, service.flags, address="127.0.0.1:0", wrapper=service.wrapper())


def check_installed(checks, root):
    account = root.run("getent", "passwd", "sluice").stdout.strip().split(":")
    checks.that(len(account) == 7 and account[5] == STATE and account[6].endswith("/nologin"), "the user", account)
    info = os.stat(root.outside(STATE))
    checks.equal((info.st_uid, stat.S_IMODE(info.st_mode)), (int(account[2]), 0o750), "the folder of the state")
    checks.that(os.path.islink(root.outside(WANTED)), "the service is enabled")
    checks.that(not os.path.lexists(root.outside("/etc/systemd/system/sockets.target.wants/sluice.socket")), "the socket is not")
    for program in ("sluice", "sluice-load"):
        done = root.run("/usr/bin/" + program, "--version")
        checks.that(done.returncode == 0 and done.stdout.startswith(program), program, done.stdout, done.stderr)
        checks.that(os.path.exists(root.outside("/usr/share/man/man1/%s.1.gz" % program)) or
                    "path-exclude" in root.shell("cat /etc/dpkg/dpkg.cfg.d/*").stdout, "a manual page", program)


def install(checks, root, file, *what):
    done = root.run(*APT, "install", root.place(file))
    checks.equal(done.returncode, 0, *what, done.stdout[-3000:], done.stderr[-3000:])
    checks.equal(root.run("dpkg-query", "--show", "--showformat=${db:Status-Abbrev}${Version}", "sluice").stdout,
                 "ii " + field(file, "Version"), *what)


def check_life(checks, root, first, second):
    install(checks, root, first, "install")
    check_installed(checks, root)
    check_units(checks, root)
    again = root.shell(AS_DPKG + "for n in 1 2; do /var/lib/dpkg/info/sluice.postinst configure 0 || exit 1; done")
    checks.equal((again.returncode, again.stderr), (0, ""), "postinst may be repeated")
    check_installed(checks, root)
    # An administrator's own: flags, the folder's mode, a service that is switched off.
    with open(root.outside("/etc/default/sluice"), "a", encoding="utf-8") as file:
        file.write('ARGS="--persistence.file=/var/lib/sluice/metrics --push.enable-utf8-names"\n')
    changed = open(root.outside("/etc/default/sluice"), encoding="utf-8").read()
    os.chmod(root.outside(STATE), 0o700)
    checks.equal(root.shell(AS_DPKG + "deb-systemd-helper disable sluice.service").returncode, 0, "disable")
    checks.that(not os.path.lexists(root.outside(WANTED)), "the service is switched off")
    with serve(root) as gateway:
        check_confined(checks, root, gateway)
        push(checks, gateway, "before", 1)
        install(checks, root, second, "upgrade under a running gateway")
        push(checks, gateway, "meanwhile", 2)
        check_kept(checks, gateway, {"before": 1, "meanwhile": 2}, "the old one goes on until it is restarted")
    checks.equal(open(root.outside("/etc/default/sluice"), encoding="utf-8").read(), changed, "the changed flags are kept")
    checks.equal(stat.S_IMODE(os.stat(root.outside(STATE)).st_mode), 0o700, "the changed mode is kept")
    checks.that(not os.path.lexists(root.outside(WANTED)), "the service stays switched off")
    with serve(root) as gateway:
        check_kept(checks, gateway, {"before": 1, "meanwhile": 2}, "after the upgrade:")
        checks.that("--push.enable-utf8-names" in gateway.command, "the flags come from /etc/default/sluice", gateway.command)
        push(checks, gateway, "after", 3)
    check_end(checks, root, second, changed)


def check_end(checks, root, file, changed):
    done = root.run(*APT, "remove", "sluice")
    checks.equal(done.returncode, 0, "remove", done.stdout, done.stderr)
    checks.that(not os.path.exists(root.outside("/usr/bin/sluice")), "the program is gone")
    checks.that(os.path.exists(root.outside(STATE + "/metrics.sluice")), "the data is not")
    checks.equal(open(root.outside("/etc/default/sluice"), encoding="utf-8").read(), changed, "nor are the flags")
    install(checks, root, file, "install again")
    with serve(root) as gateway:
        check_kept(checks, gateway, {"before": 1, "meanwhile": 2, "after": 3}, "after remove and install:")
    shutil.copy(root.outside("/var/lib/dpkg/info/sluice.postrm"), root.outside("/srv/postrm"))
    done = root.run(*APT, "purge", "sluice")
    checks.equal(done.returncode, 0, "purge", done.stdout, done.stderr)
    again = root.shell(AS_DPKG + "/srv/postrm purge")
    checks.equal((again.returncode, again.stderr), (0, ""), "postrm may be repeated")
    left = root.shell("find / -xdev -path /proc -prune -o -path /srv -prune -o -path /var/cache -prune -o -name '*sluice*' -print").stdout
    checks.equal(left, "", "what purge leaves behind")
    checks.equal(root.run("dpkg-query", "--show", "sluice").returncode, 1, "dpkg knows nothing of it")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binaries", required=True)
    options = parser.parse_args()
    checks = Checks("deb")
    check_arguments(checks)
    with tempfile.TemporaryDirectory(prefix="sluice-deb-") as folder:
        first = check_file(checks, options.binaries, folder)
        second = package(options.binaries, folder, "--version", field(first, "Version") + "+next")
        with DebianRoot() as root:
            if root.why:
                checks.skip("a Debian root", root.why)
            else:
                check_life(checks, root, first, second)
    checks.finish()


if __name__ == "__main__":
    main()
