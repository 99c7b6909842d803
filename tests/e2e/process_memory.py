"""What the kernel says about a gateway's process."""


def resident(gateway):
    with open("/proc/%d/statm" % gateway.process.pid, encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def resident_peak(gateway):
    with open("/proc/%d/status" % gateway.process.pid, encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


def is_sanitized(gateway):
    with open("/proc/%d/exe" % gateway.process.pid, "rb") as file:
        program = file.read()
    return b"__asan_init" in program or b"__tsan_init" in program
