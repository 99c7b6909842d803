"""The records of a whole directory FILE.sluice/, and the states that are left of it when some of them are not."""

import os
import re
import subprocess

LINE = re.compile(r'^(\S+) (\d+) (\w+) bytes=(\d+)(?: stamp=(\d+) families=\d+ \{\{?instance="([^"]*)",job="[^"]*"\}?\})?(?: pattern=(\d+))?')


HEADER_BYTES = 1024  # of a file: the header, twice


def is_just_begun(file, size):
    """A segment that was being made when its process died: its header is not whole, and nothing stands behind it."""
    return file.startswith("log-") and size < HEADER_BYTES


class Record:
    def __init__(self, file, begin, kind, size, stamp, group, number):
        self.file, self.begin, self.end, self.kind = file, begin, begin + size, kind
        self.stamp, self.group, self.number = stamp, group, number
        self.patterns = []  # where the copies of its pattern stand


class Directory:
    """A directory of pushes of ledger.py in which everything verifies."""

    def __init__(self, binary, path):
        self.path = path
        self.files = {}
        for name in sorted(os.listdir(path)):
            if name.startswith(("log-", "snapshot-")):
                with open(os.path.join(path, name), "rb") as file:
                    content = file.read()
                if not is_just_begun(name, len(content)):
                    self.files[name] = content
        self.snapshot = max((int(name[9:25], 16) for name in self.files if name.startswith("snapshot-")), default=0)
        self.records = []
        patterns = {}  # (file, number) -> where its copies stand
        dump = subprocess.run([binary, "wal", "dump", path], capture_output=True, text=True, check=True).stdout
        for line in dump.splitlines():
            file, begin, kind, size, stamp, group, filled = LINE.match(line).groups()
            if kind == "bad" and int(begin) == 0 and is_just_begun(file, int(size)):
                continue
            if kind == "bad":
                raise ValueError("the directory is not whole: " + line)
            if kind == "pattern":
                patterns.setdefault((file, filled), []).append((int(begin), int(begin) + int(size)))
            if group is not None:
                record = self._record(file, int(begin), kind, int(size), int(stamp), group, filled)
                record.patterns = patterns[file, filled] if filled else []
                self.records.append(record)

    def _record(self, file, begin, kind, size, stamp, group, filled):
        number = 0
        if kind in ("post", "put", "group"):
            content = self.files[file][begin:begin + size]
            if filled:
                values = set(re.search(rb"((?:\d+\n)+)$", content).group(1).split())
            else:
                values = set(re.findall(rb'(?:first|second|pad)\{[^}\n]*\} (\d+)\n', content + b"\n"))
            if len(values) != 1:
                raise ValueError("a push with several values: %s %d %s" % (file, begin, values))
            number = int(values.pop())
        return Record(file, begin, kind, size, stamp, group, number)

    def state(self, survives):
        """Group -> number, of the groups that the records for which `survives` make."""
        newest = {}
        for record in self.records:
            # A segment's record that the snapshot covers counts for nothing.
            if record.kind != "group" and record.stamp <= self.snapshot:
                continue
            if survives(record) and (record.group not in newest or newest[record.group].stamp < record.stamp):
                newest[record.group] = record
        return {group: record.number for group, record in newest.items() if record.kind != "erase"}
