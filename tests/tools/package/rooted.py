"""Runs a command in a root folder of its own, as a container runtime or a chroot would. It executes the command in its own
place, so the process id and the signals are the command's. Needs root.

    rooted.py --root FOLDER [--read-only] [--bind FROM:TO] [--user UID:GID] [--cwd DIR] [--env NAME=VALUE]
              [--refuse io_uring_setup=EPERM] [--system-calls FILE] [--network] -- COMMAND...

--network gives it a network with nothing but the loopback interface. --read-only leaves only what is bound writable.
--system-calls: a file of numbers; every other call gets EPERM.
Nothing of this process's environment is handed on.
"""

import argparse
import ctypes
import errno
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e"))
import confined  # pylint: disable=wrong-import-position

# <sys/mount.h>
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
LIBC = confined.LIBC


def mount(source, target, kind, flags):
    encoded = [part.encode() if part is not None else None for part in (source, target, kind)]
    if LIBC.mount(*encoded, ctypes.c_ulong(flags), None) != 0:
        raise OSError(ctypes.get_errno(), "mount %s on %s: %s" % (source, target, os.strerror(ctypes.get_errno())))


def enter(options):
    """A mount namespace in which the root folder is ready; then it is the root."""
    root = os.path.realpath(options.root)
    kinds = confined.CLONE_NEWNS | (confined.CLONE_NEWNET if options.network else 0)
    if LIBC.unshare(kinds) != 0:
        raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount(root, root, None, MS_BIND)
    mount("proc", root + "/proc", "proc", 0)
    mount("/dev", root + "/dev", None, MS_BIND | MS_REC)
    for pair in options.bind:
        source, target = pair.split(":")
        mount(os.path.realpath(source), root + target, None, MS_BIND)
    if options.read_only:
        mount(None, root, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    if options.network:
        confined.raise_loopback()
    os.chroot(root)
    os.chdir(options.cwd)


def allow_only(numbers):
    """A seccomp filter that lets these calls pass and refuses all others with EPERM."""
    load, jump_equal, answer = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
    program = [(load, 0, 0, 0)]  # seccomp_data.nr
    for number in numbers:
        program += [(jump_equal, 0, 1, number), (answer, 0, 0, confined.SECCOMP_RET_ALLOW)]
    program.append((answer, 0, 0, confined.SECCOMP_RET_ERRNO | errno.EPERM))
    rules = confined.Filter(len(program), b"".join(struct.pack("HBBI", *entry) for entry in program))
    confined.call("PR_SET_NO_NEW_PRIVS", LIBC.prctl(confined.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    confined.call("seccomp", LIBC.prctl(confined.PR_SET_SECCOMP, confined.SECCOMP_MODE_FILTER, ctypes.byref(rules), 0, 0))


def become(options):
    os.umask(options.umask)
    if options.user:
        user, _, group = options.user.partition(":")
        os.setgroups([])
        os.setgid(int(group or user))
        os.setuid(int(user))
    if options.refuse:
        confined.refuse(list(confined.refusals_of(options.refuse)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--network", action="store_true")
    parser.add_argument("--bind", action="append", default=[], metavar="FROM:TO")
    parser.add_argument("--user", metavar="UID:GID")
    parser.add_argument("--umask", type=lambda text: int(text, 8), default=0o022)
    parser.add_argument("--cwd", default="/")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--refuse", action="append", default=[], metavar="io_uring_setup=ERRNO")
    parser.add_argument("--system-calls", metavar="FILE")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    calls = None
    if options.system_calls:
        with open(options.system_calls, encoding="ascii") as file:
            calls = sorted(map(int, file.read().split()))
    enter(options)
    become(options)
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                   **dict(pair.split("=", 1) for pair in options.env)}
    if calls:
        allow_only(calls)
    os.execvpe(options.command[0], options.command, environment)


if __name__ == "__main__":
    main()
