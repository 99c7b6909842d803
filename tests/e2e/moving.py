"""Moving from the Pushgateway and back: its persistence file is imported completely and never changed, and what was
exported to it looks the same there."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from compare import pushed_lines, sort_groups
from gateway import Checks, Gateway, arguments
from moving_pushes import push_everything
from protobuf_read import families
from reference import find_reference

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parser", "data", "gob")
UTF8 = "--push.enable-utf8-names"
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8"
OWN = ("go_", "process_", "pushgateway_", "promhttp_", "sluice_")


def state_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest(), os.stat(path).st_mtime_ns, os.stat(path).st_mode


def text_of(gateway, mask_times):
    text = gateway.scrape([("Accept", "text/plain;version=0.0.4;escaping=allow-utf-8")]).text
    return sort_groups(pushed_lines(text, mask_times))


def protobuf_of(gateway, mask_times):
    """{family: [everything but its metrics, its metrics sorted]}."""
    found = {}
    for name, fields in families(gateway.scrape([("Accept", PROTOBUF)]).body).items():
        if name.startswith(OWN):
            continue
        if mask_times and name in ("push_time_seconds", "push_failure_time_seconds"):
            fields = [field for field in fields if field[0] != "metric"]
        # A counter is what a family without a type is; sluice says so.
        found[name] = (sorted(map(str, (field for field in fields if field[0] != "metric" and field != ["type", 0]))),
                       sorted(str(field) for field in fields if field[0] == "metric"))
    return found


def json_of(gateway, mask_times):
    """Groups and families as lines, with the times of the pushes; the order of a family's metrics is not ours to keep."""
    lines = []
    for group in json.loads(gateway.request("GET", "/api/v1/metrics").text)["data"]:
        for name, family in group.items():
            if isinstance(family, dict) and "metrics" in family:
                # The zone of the reader, and up to nine decimals.
                family["time_stamp"] = "" if mask_times else family["time_stamp"][:19]
                family["metrics"] = sorted(family["metrics"], key=str)
                if mask_times and name.startswith("push_"):
                    family["metrics"] = []
            lines.append("%s %s: %s" % (sorted(group["labels"].items()), name, family))
    return sorted(lines)


def compare(checks, wanted, gateway, what, mask_times=False):
    for name, look in (("text", text_of), ("protobuf", protobuf_of), ("JSON", json_of)):
        got = look(gateway, mask_times)
        differing = [(mine, its) for mine, its in zip(got, wanted[name]) if mine != its][:3]
        if name == "protobuf":
            differing = [(key, got.get(key), wanted[name].get(key)) for key in sorted({*got, *wanted[name]})
                         if got.get(key) != wanted[name].get(key)][:3]
        checks.that(got == wanted[name], what, name, differing or (len(got), len(wanted[name])))


def looks(gateway, mask_times=False):
    return {"text": text_of(gateway, mask_times), "protobuf": protobuf_of(gateway, mask_times),
            "JSON": json_of(gateway, mask_times)}


def run(options, *words, **more):
    return subprocess.run([options.binary, *words], capture_output=True, text=True, timeout=120, check=False, **more)


def check_import(checks, options, reference):
    """The reference writes a file; a sluice that is started on it shows the same, to the nanosecond."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "pushgateway.data")
        flags = ["--persistence.file=" + file, UTF8]
        with Gateway(reference, flags) as theirs:
            push_everything(checks, theirs)
            wanted = looks(theirs)
            checks.equal(theirs.stop(), 0, "the reference's exit code")
        before = state_of(file)
        dry = run(options, "import", file, "--dry-run")
        checks.equal(dry.returncode, 0, "dry run", dry.stdout, dry.stderr)
        for line in (r"groups +16", r"failed_only +1", r"families +29", r"series +33", r"not_kept +0"):
            checks.that(re.search("(?m)^%s$" % line, dry.stdout), "dry run says", line, dry.stdout)
        checks.equal(os.listdir(folder), ["pushgateway.data"], "a dry run writes nothing")
        for start in range(3):
            with Gateway(options.binary, flags, options.backend) as ours:
                compare(checks, wanted, ours, "start %d on the reference's file:" % start)
                checks.equal(ours.stop(signal.SIGKILL if start == 1 else signal.SIGTERM) <= 0, True, "exit code")
        with Gateway(options.binary, flags, options.backend) as ours:
            checks.equal(ours.request("DELETE", "/metrics/job/etl/instance/a").status, 202, "delete")
            left = text_of(ours, False)
            ours.stop()
        with Gateway(options.binary, flags, options.backend) as ours:
            checks.equal(text_of(ours, False), left, "what was deleted is not imported again")
            checks.that(left != wanted["text"], "something was deleted")
        checks.equal(state_of(file), before, "the reference's file is as it was")
        data = file + ".sluice"
        checks.equal(sorted(name.split("-")[0] for name in os.listdir(data)), ["imported", "lock", "snapshot", "state"], "our own folder")
        checks.equal(os.stat(data).st_mode & 0o777, 0o700, "its mode")
        checks.equal({os.stat(os.path.join(data, name)).st_mode & 0o777 for name in os.listdir(data)}, {0o600}, "modes")
        again = run(options, "import", file)
        checks.that(again.returncode == 1 and "was imported before" in again.stderr, "imported twice", again.stderr)
        check_record(checks, options, file, flags)
        with Gateway(reference, flags) as theirs:
            compare(checks, wanted, theirs, "the reference on its file:")


def check_record(checks, options, file, flags):
    """What the record of the import says is believed, or the gateway does not start."""
    with open(file, "ab") as out:
        out.write(b"x")
    with Gateway(options.binary, flags, options.backend) as ours:
        checks.that(any("has changed since it was imported" in line for line in ours.log), "a changed file is named")
        checks.that(text_of(ours, False), "and the import counts")
        ours.stop()
    with open(file, "r+b") as out:
        out.truncate(os.path.getsize(file) - 1)
    state = file + ".sluice/state"
    os.rename(state, state + ".away")
    ended = run(options, "--web.listen-address=127.0.0.1:0", *flags)
    checks.that(ended.returncode == 1 and state in ended.stderr, "the state is away", ended.stderr)
    os.rename(state + ".away", state)


def export(options, source, target_port):
    return run(options, "export", "--from", "http://127.0.0.1:%d" % source.port, "--to", "http://127.0.0.1:%d" % target_port)


def check_export(checks, options, target):
    """To the reference, or to another sluice where there is none."""
    with Gateway(options.binary, [UTF8], options.backend) as ours:
        push_everything(checks, ours)
        with Gateway(target, [UTF8]) as theirs:
            done = export(options, ours, theirs.port)
            checks.equal(done.returncode, 0, "export", done.stdout, done.stderr)
            for line in (r"groups +16", r"failed_only +1", r"series +33", r"refused +0", r"changed +0"):
                checks.that(re.search("(?m)^%s$" % line, done.stdout), "export says", line, done.stdout)
            compare(checks, looks(ours, True), theirs, "what was exported:", True)
            failed = [line.rsplit(" ", 1)[0] for line in text_of(theirs, False)
                      if line.startswith("push_failure_time_seconds{") and not line.endswith(" 0")]
            checks.equal(failed, [line.rsplit(" ", 1)[0] for line in text_of(ours, False)
                                  if line.startswith("push_failure_time_seconds{") and not line.endswith(" 0")], "failed")
            again = export(options, ours, theirs.port)
            checks.equal(again.returncode, 0, "export once more", again.stdout, again.stderr)
            compare(checks, looks(ours, True), theirs, "what was exported twice:", True)
        with Gateway(target) as theirs:
            done = export(options, ours, theirs.port)
            checks.equal(done.returncode, 2, "without UTF-8 names", done.stdout, done.stderr)
            checks.that("--push.enable-utf8-names: /metrics/job/dotted/U__a_2e_b/x" in done.stderr, "the refused group is named", done.stderr)
            checks.that(re.search(r"refused +1\n", done.stdout), "and counted", done.stdout)
            free = theirs.port
        done = export(options, ours, free)
        checks.that(done.returncode == 1 and done.stderr.startswith("sluice: error: cannot ") and
                    done.stderr.count("\n") == 1, "nobody there", done.stderr)
        checks.equal(run(options, "export").returncode, 1, "no target")
        checks.equal(run(options, "export", "--help").returncode, 0, "help")


def check_committed(checks, options):
    """The same with a file that was committed, where no reference can be had."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        with open(os.path.join(DATA, "everything"), "rb") as source, open(file, "wb") as out:
            out.write(source.read())
        done = run(options, "import", file)
        checks.equal(done.returncode, 0, "import", done.stdout, done.stderr)
        with Gateway(options.binary, ["--persistence.file=" + file], options.backend) as ours:
            lines = text_of(ours, False)
            checks.equal(sum(line.startswith("push_time_seconds{") for line in lines), 16, "groups")
            checks.that('rows{instance="",job="etl"} 3' in lines, "a sample", lines[:20])
            checks.that('{"dotted.name","a b"="c","a.b"="x",instance="",job="dotted"} 5' in lines, "a UTF-8 name", lines[:20])
            checks.that(any(line.startswith('push_time_seconds{instance="",job="failed"} 0') for line in lines), "failed")


def check_refused(checks, options):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        whole = open(os.path.join(DATA, "everything"), "rb").read()
        for name, content in (("cut off", whole[:-5]), ("behind", whole + b"x"),
                              ("another", open(os.path.join(DATA, "other"), "rb").read()),
                              ("old", open(os.path.join(DATA, "uint_keys"), "rb").read())):
            with open(file, "wb") as out:
                out.write(content)
            for words in (["import", file], ["import", file, "--dry-run"],
                          ["--web.listen-address=127.0.0.1:0", "--persistence.file=" + file]):
                ended = run(options, *words)
                checks.equal(ended.returncode, 1, name, words, ended.stderr)
                last = ended.stderr.strip().split("\n")[-1]
                checks.that(last.startswith("sluice: error: the persistence file " + file), name, last)
            checks.equal(open(file, "rb").read(), content, name, "is left as it is")
            checks.equal(os.listdir(folder), ["state"], name, "nothing is written")
        missing = run(options, "import", file + ".none")
        checks.that(missing.returncode == 1 and "No such file" in missing.stderr, "missing", missing.stderr)
        checks.equal(run(options, "import", "--help").returncode, 0, "help")
        checks.equal(run(options, "import").returncode, 1, "no file")
        os.chmod(file, 0)
        os.chmod(folder, 0o755)
        if os.getuid() != 0:
            unreadable = run(options, "import", file)
        else:
            unreadable = run(options, "import", file, user=65534, group=65534, extra_groups=[])
        checks.that(unreadable.returncode == 1 and "Permission denied" in unreadable.stderr and
                    unreadable.stderr.count("\n") == 1, "unreadable", unreadable.stderr)


def check_beside_a_log(checks, options):
    """An import that nobody would read is refused, beside a gateway that runs and beside what one has kept."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        flags = ["--persistence.file=" + file]
        with Gateway(options.binary, flags, options.backend) as gateway:
            shutil.copyfile(os.path.join(DATA, "everything"), file)
            ended = run(options, "import", file)
            checks.equal((ended.returncode, ended.stderr.strip().split("\n")[-1]),
                         (1, "sluice: error: another gateway uses the directory %s.sluice" % file), "beside a gateway")
            checks.equal(gateway.request("PUT", "/metrics/job/ours", b"ours 1\n").status, 200, "a push")
            gateway.stop(signal.SIGKILL)
        ended = run(options, "import", file)
        last = ended.stderr.strip().split("\n")[-1]
        checks.that(ended.returncode == 1 and " has what a gateway has kept, " in last, "beside a log", ended.returncode, last)
        with Gateway(options.binary, flags, options.backend) as gateway:
            checks.that(b"\nours{" in gateway.scrape().text.encode(), "what was kept is served")
            checks.that(any("is not imported" in line for line in gateway.log), "a warning", gateway.log[:5])
            gateway.stop()
        checks.that(not os.path.exists(file + ".sluice/imported"), "nothing is imported")


def main():
    options = arguments()
    checks = Checks("moving")
    check_committed(checks, options)
    check_refused(checks, options)
    check_beside_a_log(checks, options)
    reference, why = find_reference()
    if reference is None:
        checks.skip("reference", why)
        check_export(checks, options, options.binary)
    else:
        check_import(checks, options, reference)
        check_export(checks, options, reference)
    checks.finish()


if __name__ == "__main__":
    main()
