"""tools/check finds what it is for: each rule is shown one planted violation, in a copy, and a clean copy is quiet."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from sandbox import ROOT

RULES = ROOT / "tools/lib/source_rules.py"
TODO = "TO" "DO"

# rule -> (file, its text)
PLANTED = {
    "top-level": ("utils/helper.h", "#pragma once\n"),
    "file-length": ("core/base/long.cc", "int a();\n" * 501),
    "include-direction": ("core/store/push.cc", '#include "net/http/exchange.h"\n'),
    "intrinsics": ("core/base/hash.cc", "#include <immintrin.h>\n"),
    "liburing": ("net/conn/connection.cc", "#include <liburing.h>\n"),
    "atomics": ("net/conn/connection.h", "#pragma once\nstd::atomic<int> count;\n"),
    "atomic-orders": ("core/map/shard.cc", "int f() { return slot.load(); }\n"),
    "no-locks": ("core/map/shard.cc", "std::mutex lock;\n"),
    "no-spinning": ("core/sync/epoch.cc", "void f() { while (!done.load(std::memory_order_acquire)) {} }\n"),
    "keyed-tables": ("net/api/names.h", "#pragma once\nstd::unordered_map<std::string_view, int> known_;\n"),
    "pragma-once": ("core/base/plain.h", "int f();\n"),
    "no-stubs": ("core/base/later.cc", f"// {TODO}: later\n"),
    "private-paths": ("tools/run", "#!/bin/bash\ncd /root/sluice\n"),
}

# More spellings of the same rules, since each has been somebody's way around one.
ALSO_FOUND = [
    ("include-direction", "parser/text.cc", '#include "core/store/store.h"\n'),
    ("include-direction", "parser/text.cc", '#include "net/api/router.h"\n'),
    ("include-direction", "net/http/parser.cc", '#include "parser/text.h"\n'),
    ("include-direction", "net/loop/worker.cc", '#include "core/store/store.h"\n'),
    ("include-direction", "core/base/log.cc", '#include "core/sync/mailbox.h"\n'),
    ("include-direction", "core/cache/cache.h", "#pragma once\n"),
    ("intrinsics", "parser/text.cc", "#include <arm_neon.h>\n"),
    ("atomics", "core/model/version.h", "#pragma once\n#include <atomic>\n"),
    ("atomics", "parser/text.cc", "int f(int* p) { return __atomic_load_n(p, 0); }\n"),
    ("atomic-orders", "core/sync/epoch.cc", "void f() { std::atomic_thread_fence(std::memory_order_seq_cst); }\n"),
    ("no-locks", "core/store/push.cc", "void f() { std::lock_guard guard(mutex); }\n"),
    ("no-spinning", "core/store/push.cc", "void f() { std::this_thread::yield(); }\n"),
    ("no-spinning", "core/map/walk.cc", "void f() { _mm_pause(); }\n"),
    ("keyed-tables", "core/wal/recovery.cc", "std::unordered_set<std::string> names;\n"),
    ("no-stubs", "tests/core/a_test.cc", "TEST(A, DISABLED" "_b) {}\n"),
    ("no-stubs", "tests/core/a_test.cc", "TEST(A, b) { GTEST" '_SKIP() << "later"; }\n'),
    ("no-stubs", "net/api/x.cc", "// FIX" "ME\n"),
]

CLEAN = [
    ("core/store/push.cc", '#include "core/store/push.h"\n\n#include <cstdint>\n\n#include "core/map/map.h"\n'),
    ("core/store/shape_registry.cc", "void f() { std::lock_guard guard(mutex); }\n"),
    ("core/map/shard.cc", "// A mutex would block; std::mutex in prose is fine.\nint f() { return slot.load(std::memory_order_acquire); }\n"),
    ("core/wal/recovery.cc", "std::unordered_map<std::string, int, KeyedHash> names;\n"),
    ("core/sync/text.cc", 'const char* kText = "std::mutex";\n'),
    ("net/ring/uring.cc", "#include <liburing.h>\n"),
    ("parser/simd/avx2.cc", "#include <immintrin.h>\n"),
    ("core/base/cpu.cc", "#include <cpuid.h>\n"),
    ("net/loop/mailbox.h", "#pragma once\n#include <atomic>\n"),
    ("tests/parser/a_test.cc", 'TEST(A, b) { GTEST' '_SKIP() << "NOT RUN: kernel-avx512: not here"; }\n'),
    ("tests/core/map/a_stress.cc", "std::atomic<int> done;\n"),
    ("tools/main.cc", '#include "net/api/api.h"\n#include "core/store/store.h"\n'),
]


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def rules_on(files):
    """Runs the rules on a folder that holds just these files; returns (exit status, output)."""
    with tempfile.TemporaryDirectory(prefix="sluice-check-") as folder:
        root = pathlib.Path(folder)
        for name, text in files:
            write(root, name, text)
        answer = subprocess.run([sys.executable, RULES, "--root", root], capture_output=True, text=True, check=False,
                                env={**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)})
        return answer.returncode, answer.stdout + answer.stderr


class SourceRules(unittest.TestCase):
    def assert_found(self, rule, name, text):
        status, output = rules_on([(name, text)])
        self.assertEqual(status, 1, f"{rule}: nothing found in {name}\n{output}")
        self.assertIn(f": {rule}: ", output)

    def test_each_rule_finds_its_violation(self):
        sys.path.insert(0, str(RULES.parent))
        import source_rules
        self.assertEqual(set(source_rules.RULES), set(PLANTED), "each rule has a planted violation here")
        for rule, (name, text) in PLANTED.items():
            with self.subTest(rule):
                self.assert_found(rule, name, text)

    def test_other_spellings(self):
        for rule, name, text in ALSO_FOUND:
            with self.subTest(f"{rule} {name}"):
                self.assert_found(rule, name, text)

    def test_good_code_is_quiet(self):
        status, output = rules_on(CLEAN)
        self.assertEqual(status, 0, output)

    def test_line_numbers(self):
        _, output = rules_on([("core/map/a.cc", "/* one\ntwo */\nstd::mutex lock;\n")])
        self.assertIn("core/map/a.cc:3: no-locks: ", output)


class Tools(unittest.TestCase):
    """The checks that stand on other programs, in a copy of the scripts with one file each."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="sluice-check-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        for name in (".clang-format", ".clang-tidy"):
            shutil.copy(ROOT / name, self.root / name)
        shutil.copytree(ROOT / "tools/lib", self.root / "tools/lib", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("check", "setup"):
            shutil.copy(ROOT / "tools" / name, self.root / "tools" / name)
        self.git("init", "--quiet")

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.root, *arguments], check=True, capture_output=True)

    def database(self, source, text):
        write(self.root, source, text)
        command = f"g++ -std=c++23 -I{self.root} -c {self.root}/{source}"
        write(self.root, "build/debug/compile_commands.json",
              f'[{{"directory": "{self.root}", "command": "{command}", "file": "{self.root}/{source}"}}]')

    def check(self, *arguments):
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.root / "cache"), "GIT_CEILING_DIRECTORIES": str(self.root.parent)}
        answer = subprocess.run([self.root / "tools/check", *arguments], capture_output=True, text=True, check=False,
                                env=environment, stdin=subprocess.DEVNULL)
        return answer.returncode, answer.stdout + answer.stderr

    def test_format(self):
        write(self.root, "core/base/a.cc", "int f() { return 1; }\n")
        self.git("add", "--all")
        self.assertEqual(self.check("format")[0], 0)
        write(self.root, "core/base/a.cc", "int  f( ){return 1;}\n")
        status, output = self.check("format")
        self.assertEqual(status, 1)
        self.assertIn("core/base/a.cc:1", output)

    def test_headers(self):
        self.database("core/base/a.cc", "int f() { return 1; }\n")
        write(self.root, "core/base/alone.h", "#pragma once\n#include <string>\ninline std::string f() { return {}; }\n")
        self.git("add", "--all")
        status, output = self.check("headers")
        self.assertEqual(status, 0, output)
        write(self.root, "core/base/needy.h", "#pragma once\ninline std::string g() { return {}; }\n")
        status, output = self.check("headers")
        self.assertEqual(status, 1)
        self.assertIn("core/base/needy.h does not pass", output)
        self.assertIn("1 unchanged since they passed, 1 failed", output)

    def test_a_header_that_its_source_includes_first_is_proved_by_the_build(self):
        write(self.root, "core/base/a.h", "#pragma once\nint f();\n")
        write(self.root, "core/base/b.h", "#pragma once\nint g();\n")
        self.database("core/base/a.cc", '#include "core/base/a.h"\n\n#include "core/base/b.h"\n')
        self.git("add", "--all")
        self.assertIn("headers: 1 files", self.check("headers")[1])

    def test_tidy(self):
        self.database("core/base/a.cc", "int good_name() { return 1; }\n")
        self.git("add", "--all")
        status, output = self.check("tidy")
        self.assertEqual(status, 0, output)
        self.database("core/base/a.cc", "int BadName() { return 1; }\n")
        status, output = self.check("tidy")
        self.assertEqual(status, 1)
        self.assertIn("invalid case style for function 'BadName'", output)

    def test_a_changed_header_is_checked_again_in_what_includes_it(self):
        write(self.root, "core/base/b.h", "#pragma once\nint used();\n")
        self.database("core/base/a.cc", '#include "core/base/b.h"\n')
        self.git("add", "--all")
        self.assertIn("1 files, 0 unchanged", self.check("tidy")[1])
        self.assertIn("1 files, 1 unchanged", self.check("tidy")[1])
        write(self.root, "core/base/b.h", "#pragma once\nint BadName();\n")
        status, output = self.check("tidy")
        self.assertEqual(status, 1)
        self.assertIn("BadName", output)

    def test_scripts(self):
        write(self.root, "tools/good", '#!/usr/bin/env bash\necho "$1"\n')
        self.git("add", "--all")
        self.assertEqual(self.check("scripts")[0], 0)
        write(self.root, "tools/bad", "#!/usr/bin/env bash\nif [ $x = 1 ]; then cd /tmp; rm -rf $dir/*\n")
        status, output = self.check("scripts")
        self.assertEqual(status, 1)
        self.assertIn("tools/bad", output)


if __name__ == "__main__":
    unittest.main()
