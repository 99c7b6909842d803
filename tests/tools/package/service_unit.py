"""A service's unit as systemd would start it, where there is no systemd: its user, folder, words, writable places, and the
system calls that it allows."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile


def numbers_of_system_calls():
    """name -> number on this machine, from the headers."""
    text = subprocess.run(["cc", "-dM", "-E", "-include", "sys/syscall.h", "-"], input="", capture_output=True, text=True, check=True).stdout
    return {name: int(number) for name, number in re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.M)}


def members(group):
    """The names in a group of systemd's, or the name itself."""
    if not group.startswith("@"):
        return {group}
    text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    found = set()
    for line in text.split("\n")[1:]:
        if line.strip() and not line.strip().startswith("#"):
            found |= members(line.strip())
    return found


def allowed(lines):
    """The names that the lines of SystemCallFilter allow: the first is a list of what may be, one with ~ takes away."""
    found = set()
    for line in lines:
        names = set().union(*(members(group) for group in line.lstrip("~").split()))
        found = found - names if line.startswith("~") else found | names
    return found


class Service:
    """The unit as systemd would start it: what user, where, with which words."""

    def __init__(self, root, unit):
        self.settings = {}
        with open(root.outside(unit), encoding="utf-8") as file:
            for line in file:
                name, equals, value = line.strip().partition("=")
                if equals and not name.startswith("#"):
                    self.settings.setdefault(name, []).append(value)
        variables = dict(os.environ, **self._environment(root))
        words = []
        for word in self.settings["ExecStart"][0].split():
            # A variable that is a word of its own is split at blanks.
            words += shlex.split(variables[word[1:]]) if word.startswith("$") else [word]
        self.program, self.flags = words[0], words[1:]
        self.root = root

    def system_calls(self):
        """Their numbers as a file for rooted.py, or None where systemd does not say what is in its groups."""
        if shutil.which("systemd-analyze") is None:
            return None
        numbers = numbers_of_system_calls()
        with tempfile.NamedTemporaryFile("w", prefix="sluice-calls-", dir=self.root.outside("/srv"), delete=False) as file:
            file.write(" ".join(str(numbers[name]) for name in allowed(self.settings["SystemCallFilter"]) if name in numbers))
        return file.name

    def _environment(self, root):
        found = {}
        with open(root.outside(self.settings["EnvironmentFile"][0].lstrip("-")), encoding="utf-8") as file:
            for line in file:
                name, equals, value = line.strip().partition("=")
                if equals and not name.startswith("#"):
                    found[name] = " ".join(shlex.split(value))
        return found

    def wrapper(self):
        ids = self.root.run("id", "-u", self.settings["User"][0]).stdout.strip() + ":" + \
            self.root.run("id", "-g", self.settings["Group"][0]).stdout.strip()
        state = "/var/lib/" + self.settings["StateDirectory"][0]
        # ProtectSystem=strict: nothing but the folder of the state is writable.
        calls = self.system_calls()
        return self.root.wrapper(*(["--system-calls", calls] if calls else []), "--read-only", "--bind", self.root.outside(state) + ":" + state, "--user", ids, "--cwd",
                                 self.settings["WorkingDirectory"][0], "--umask", self.settings["UMask"][0])
