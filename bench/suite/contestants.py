"""The servers: each one process (nginx: a master and its worker) pinned to the server's core."""

import os
import socket
import subprocess
import tempfile
import time

from suite.figures import Failed, NotRun

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# With one core only, both share it: then only ratios by CPU mean something.
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = str(CORES[0]), str(CORES[-1])
# Before whatever else the machine does, where this may be asked for.
FIRST = ["nice", "-n", "-20"] if os.geteuid() == 0 else []


def pinned(core, *command):
    return [*FIRST, "taskset", "-c", core, *command]


def tool(*command):
    """The last line that one of tools/ prints: the path of what it fetched."""
    done = subprocess.run([os.path.join(SOURCE, "tools", command[0]), *command[1:]], capture_output=True, text=True,
                          timeout=1800, check=False)
    if done.returncode != 0:
        raise NotRun("tools/%s: %s" % (" ".join(command), (done.stderr.strip() or "failed").split("\n")[-1]))
    return done.stdout.strip().split("\n")[-1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A contestant. Ends with the `with` block that it is used in."""

    def __init__(self, name, command, port, env=None, tls=False):
        self.name, self.port, self.tls = name, port, tls
        self.command = " ".join("%s=%s" % pair for pair in (env or {}).items()) + (" " if env else "") + " ".join(command)
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(pinned(SERVER_CORE, *command), stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, env={**os.environ, **(env or {})})
        for _ in range(600):
            try:
                self.connect(5).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        self.stop()
        self.log.seek(0)
        said = self.log.read().decode(errors="replace")[-500:]
        self.log.close()
        raise Failed("%s did not start: %s" % (name, said))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.log.close()

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % ("https" if self.tls else "http", self.port)

    def connect(self, timeout=600):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def pids(self):
        """The process and its children (nginx's workers)."""
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as file:
            return [self.process.pid, *map(int, file.read().split())]

    def cpu_seconds(self):
        total = 0
        for pid in self.pids():
            for task in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/schedstat" % (pid, task), encoding="ascii") as file:
                    total += int(file.read().split()[0])
        return total / 1e9

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.process.pid, encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def reset_peak(self):
        with open("/proc/%d/clear_refs" % self.process.pid, "w", encoding="ascii") as file:
            file.write("5")

    def peak_resident_bytes(self):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def sluice(binary, backend, *flags, tls=False):
    """`tls`: the flags make it speak TLS."""
    if not os.path.exists(binary):
        raise NotRun("there is no %s; tools/build makes it" % binary)
    port = free_port()
    workers = [] if any(flag.startswith("--runtime.workers=") for flag in flags) else ["--runtime.workers=1"]
    return Server("sluice", [binary, *workers, "--web.listen-address=127.0.0.1:%d" % port, "--net.backend=" + backend,
                             *flags], port, tls=tls)


def discard_server(binary, backend):
    port = free_port()
    return Server("discard_server", [binary, backend, str(port)], port)


def reference(*flags):
    port = free_port()
    return Server("reference", [tool("reference"), "--web.listen-address=127.0.0.1:%d" % port, *flags], port,
                  {"GOMAXPROCS": "1"})


def nginx(folder, body_file=None, pair=None):
    """Answers every request with an empty 200, or with that file by sendfile. `pair`: over TLS, with these files of a
    certificate and its key."""
    port = free_port()
    os.makedirs(os.path.join(folder, "logs"), exist_ok=True)
    location = ("location / { return 200; }" if body_file is None
                else "location / { root %s; try_files /%s =404; }" % os.path.split(body_file))
    config = os.path.join(folder, "nginx.conf")
    secured = "ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate %s; ssl_certificate_key %s;" % tuple(pair) if pair else ""
    with open(config, "w", encoding="utf-8") as file:
        file.write("daemon off; worker_processes 1; pid %(f)s/pid; error_log %(f)s/logs/error.log;\n"
                   "events { worker_connections 4096; }\n"
                   "http { access_log off; sendfile on; keepalive_requests 1000000000; client_body_temp_path %(f)s/b;\n"
                   "proxy_temp_path %(f)s/p; fastcgi_temp_path %(f)s/fc; uwsgi_temp_path %(f)s/u; scgi_temp_path %(f)s/s;\n"
                   "client_body_buffer_size 64k; server { listen 127.0.0.1:%(port)d reuseport%(ssl)s; %(secured)s\n"
                   "%(location)s } }\n"
                   % {"f": folder, "port": port, "location": location, "ssl": " ssl" if pair else "", "secured": secured})
    os.chmod(folder, 0o755)
    return Server("nginx", [tool("peers", "nginx"), "-p", folder, "-e", folder + "/logs/error.log", "-c", config], port,
                  tls=pair is not None)
