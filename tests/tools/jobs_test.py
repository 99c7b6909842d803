"""Build jobs: 1.5 GiB of free memory each, never more than there are cores, never fewer than one."""
import unittest

from sandbox import ROOT, Sandbox

MIB = 1024


class Jobs(Sandbox):
    def bash(self, command, **variables):
        answer = self.run_script("bash", "-c", f'. "{ROOT}/tools/lib/jobs.sh"; {command}', **variables)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return answer.stdout.strip()

    def test_memory_limits(self):
        for free_mib, cores, jobs in ((3072, 8, 2), (3071, 8, 1), (100, 8, 1), (0, 1, 1), (1 << 20, 8, 8), (4608, 8, 3)):
            self.assertEqual(self.bash(f"jobs_for {free_mib * MIB} {cores}"), str(jobs), f"{free_mib} MiB, {cores} cores")

    def meminfo(self, available_kib):
        path = self.folder / "meminfo"
        path.write_text(f"MemTotal: 99999999 kB\nMemFree: 1 kB\nMemAvailable: {available_kib} kB\n")
        return path

    def test_what_the_kernel_says_is_available(self):
        self.assertEqual(self.bash(f"free_memory_kib {self.meminfo(4242)} {self.folder}"), "4242")

    def test_a_cgroup_leaves_less(self):
        (self.folder / "memory.max").write_text(str(2048 * MIB * 1024))
        (self.folder / "memory.current").write_text(str(512 * MIB * 1024))
        self.assertEqual(self.bash(f"free_memory_kib {self.meminfo(1 << 30)} {self.folder}"), str(1536 * MIB))

    def test_a_cgroup_without_a_limit(self):
        (self.folder / "memory.max").write_text("max")
        (self.folder / "memory.current").write_text("1")
        self.assertEqual(self.bash(f"free_memory_kib {self.meminfo(4242)} {self.folder}"), "4242")

    def test_a_cpu_quota_is_rounded_up(self):
        self.fake("nproc", "echo 8")
        for quota, cores in (("50000 100000", 1), ("150000 100000", 2), ("max 100000", 8), ("1600000 100000", 8)):
            (self.folder / "cpu.max").write_text(quota)
            self.assertEqual(self.bash(f"usable_cores {self.folder}"), str(cores), quota)

    def test_the_override(self):
        self.assertEqual(self.bash("build_jobs", SLUICE_JOBS="7"), "7")


if __name__ == "__main__":
    unittest.main()
