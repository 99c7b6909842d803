"""Runs a command where less is allowed, as containers and sandboxes do it: system calls refused, limits lowered, cgroups
joined, namespaces entered. It executes the command in its own place, so the process id and the signals are the command's.

    confined.py --refuse io_uring_setup=EPERM --nofile 256 --memlock 65536 -- build/debug/sluice --net.backend=auto

Exit code 125: the confinement is not to be had here; the last line on stderr says why. Standard library only.
"""

import argparse
import ctypes
import errno
import fcntl
import os
import platform
import resource
import socket
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)

# <linux/prctl.h>, <linux/seccomp.h>, <linux/sched.h>, <sys/mount.h>
PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 22, 24, 38
SECCOMP_MODE_FILTER = 2
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000
CAP_IPC_LOCK = 14
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
# <linux/sockios.h>, <net/if.h>
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

# Numbers of system calls: the newer ones are the same everywhere, socket(2) is not.
SOCKET_CALL = {"x86_64": 41, "aarch64": 198}
IO_URING_SETUP = 425


class Unavailable(Exception):
    """Something that this machine does not let us do."""


def call(what, result):
    if result != 0:
        raise Unavailable("%s: %s" % (what, os.strerror(ctypes.get_errno())))


class Filter(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("program", ctypes.c_char_p)]


def refuse(refusals):
    """`refusals`: (number of the call, its first argument or None for any, errno). Holds for whatever is executed later."""
    load, jump_equal, answer = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
    program = []
    for number, argument, error in refusals:
        program.append((load, 0, 0, 0))  # seccomp_data.nr
        program.append((jump_equal, 0, 1 if argument is None else 3, number))
        if argument is not None:
            program.append((load, 0, 0, 16))  # the low half of seccomp_data.args[0], on little-endian machines
            program.append((jump_equal, 0, 1, argument))
        program.append((answer, 0, 0, SECCOMP_RET_ERRNO | error))
    program.append((answer, 0, 0, SECCOMP_RET_ALLOW))
    code = b"".join(struct.pack("HBBI", *entry) for entry in program)
    rules = Filter(len(program), code)
    call("PR_SET_NO_NEW_PRIVS", LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    call("seccomp", LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(rules), 0, 0))


def refusals_of(texts):
    for text in texts:
        name, error = text.split("=")
        if name == "io_uring_setup":
            yield IO_URING_SETUP, None, getattr(errno, error)
        elif name == "ipv6":
            if platform.machine() not in SOCKET_CALL:
                raise Unavailable("the number of socket(2) on %s is not known here" % platform.machine())
            yield SOCKET_CALL[platform.machine()], socket.AF_INET6, getattr(errno, error)
        else:
            raise SystemExit("confined.py: cannot refuse " + name)


def limit(which, values):
    """`values`: "256" for both, "64:512" for soft and hard."""
    soft, _, hard = values.partition(":")
    try:
        resource.setrlimit(which, (int(soft), int(hard or soft)))
    except (ValueError, OSError) as error:
        raise Unavailable("setrlimit: %s" % error) from None


def forget_privilege_to_lock():
    """root may lock whatever the limit says. What is not in the bounding set does not come back with execve."""
    if os.geteuid() == 0 and LIBC.prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0) != 0:
        raise Unavailable("PR_CAPBSET_DROP: %s" % os.strerror(ctypes.get_errno()))


def enter_namespaces(kinds):
    """New namespaces; within a user namespace of our own where we are not privileged."""
    user, group = os.getuid(), os.getgid()
    if LIBC.unshare(kinds) == 0:
        return
    call("unshare", LIBC.unshare(kinds | CLONE_NEWUSER))
    for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % user), ("gid_map", "0 %d 1" % group)):
        with open("/proc/self/" + name, "w", encoding="ascii") as file:
            file.write(text)


def show_as_cgroup(folder):
    """The files of `folder` are what the command finds in /sys/fs/cgroup."""
    enter_namespaces(CLONE_NEWNS)
    call("mount --make-rprivate", LIBC.mount(None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None))
    call("mount --bind", LIBC.mount(folder.encode(), b"/sys/fs/cgroup", None, ctypes.c_ulong(MS_BIND), None))


def switch_ipv6_off():
    """A network of its own with nothing but the loopback interface, on which IPv6 is switched off."""
    enter_namespaces(CLONE_NEWNET)
    for name in ("all", "default", "lo"):
        with open("/proc/sys/net/ipv6/conf/%s/disable_ipv6" % name, "w", encoding="ascii") as file:
            file.write("1")
    raise_loopback()


def raise_loopback():
    """In a network of its own the loopback interface is there, but down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack_from("16sH", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def confine(options):
    for folder in options.join:
        with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
    if options.cgroup_files:
        show_as_cgroup(options.cgroup_files)
    if options.ipv6_off:
        switch_ipv6_off()
    if options.memlock:
        forget_privilege_to_lock()
        limit(resource.RLIMIT_MEMLOCK, options.memlock)
    if options.nofile:
        limit(resource.RLIMIT_NOFILE, options.nofile)
    if options.refuse:
        refuse(list(refusals_of(options.refuse)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--refuse", action="append", default=[], metavar="io_uring_setup=ERRNO|ipv6=ERRNO")
    parser.add_argument("--nofile", metavar="SOFT[:HARD]")
    parser.add_argument("--memlock", metavar="SOFT[:HARD]")
    parser.add_argument("--join", action="append", default=[], metavar="CGROUP", help="folder of a cgroup")
    parser.add_argument("--cgroup-files", metavar="FOLDER", help="stands where /sys/fs/cgroup is")
    parser.add_argument("--ipv6-off", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    try:
        confine(options)
    except (Unavailable, OSError) as error:
        sys.stderr.write("confined.py: %s\n" % error)
        sys.exit(125)
    os.execvp(options.command[0], options.command)


if __name__ == "__main__":
    main()
