# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the lints: each is shown what it must catch, and what it must let pass."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import check_built
import check_format
import check_headers
import check_hot_symbols
import check_source
import test_results
from source_files import SourceFile

HEAD = "// SPDX-License-Identifier: GPL-3.0-or-later\n// A file that shows something.\n"


def problems(path: str, body: str, head: str = HEAD) -> list[str]:
    source = SourceFile(pathlib.Path(path), "cpp", head + body)
    return [text for check_one in check_source.CHECKS for text in check_one(source)]


class Sources(unittest.TestCase):
    """Pairs of a path and a line: those that must be caught, and their neighbours that must not."""

    CAUGHT = (
        ("base/a.cc", '#include "crypto/srtp.h"'),
        ("crypto/a.cc", '#include "dataplane/flow.h"'),
        ("dataplane/a.cc", '#include "control/config/config.h"'),
        ("dataplane/a.cc", '#include "sip/parser.h"'),
        ("sip/a.cc", '#include "dataplane/flow.h"'),
        ("control/a.cc", '#include "dataplane/worker.h"'),
        ("sallyctl/a.cc", '#include "control/config/config.h"'),
        ("control/a.cc", '#include "tests/support/pcap.h"'),
        ("control/a.cc", '#include "sallyload/report.h"'),
        ("sallyload/a.cc", '#include "control/auth/digest_client.h"'),
        ("bench/a.cc", '#include "sallyload/report.h"'),
        ("crypto/a.cc", '#include "srtp.h"'),
        ("crypto/a.cc", '#include "../base/bytes.h"'),
        ("control/a.cc", "#include <rte_mbuf.h>"),
        ("dataplane/a.cc", "#include <intel-ipsec-mb.h>"),
        ("control/a.cc", "#include <srtp2/srtp.h>"),
        ("dataplane/a.cc", "#include <toml++/toml.h>"),
        ("control/a.cc", "#include <spdlog/spdlog.h>"),
        ("dataplane/a.cc", "#include <openssl/evp.h>"),
        ("dataplane/a.cc", "#include <sys/capability.h>\n#include <cap-ng.h>"),
        ("crypto/a.cc", "if (memcmp(received_tag, b, 10) == 0) return;"),
        ("control/a.cc", "int x = rand();"),
        ("control/a.cc", "std::mt19937 engine;"),
        ("control/a.cc", "strcpy(a, b);"),
        ("control/a.cc", "sprintf(a, b);"),
        ("control/a.cc", "int x = atoi(text);"),
        ("control/a.cc", "int x = std::stoi(text);"),
        ("dataplane/a.h", "std::shared_ptr<Flow> flow;"),
        ("dataplane/a.h", "// Hot.\nstd::mutex mutex_;"),
        ("dataplane/a.cc", 'printf("hello");'),
        ("crypto/a.cc", "std::cerr << 1;"),
        ("control/a.cc", "volatile int flag;"),
        ("control/a.cc", "system(line);"),
        ("tests/unit/base/a.cc", "using namespace std;"),
        ("tests/unit/base/a.cc", "std::this_thread::sleep_for(1ms);"),
        ("tests/unit/base/a.cc", "usleep(5);"),
        ("control/a.cc", 'log::info("leg", {{"key", config.master_key}});'),
        ("base/a.cc", "// TODO tidy this"),
        ("base/a.cc", "// FIXME"),
        ("base/a.cc", '// see /home/somebody/notes'),
        ("base/a.cc", "void f() {\n" + "  g();\n" * 120 + "}"),
        ("base/a.cc", "int x;\n" * 900),
    )
    PASSED = (
        ("crypto/a.cc", '#include "base/bytes.h"'),
        ("sallyctl/a.cc", '#include "control/version.h"'),
        ("bench/a.cc", '#include "tests/support/peer.h"'),
        ("tests/unit/sallyload/a.cc", '#include "sallyload/report.h"'),
        ("sallyctl/a.cc", "volatile std::sig_atomic_t interrupted = 0;"),
        ("control/a.cc", '#include "dataplane/runtime.h"'),
        ("dataplane/a.cc", "#include <rte_mbuf.h>"),
        ("tests/unit/dataplane/a.cc", '#include <rte_mbuf.h>\n#include "dataplane/worker.h"'),
        ("control/a.cc", "int memcmp_count = 0;"),
        ("crypto/a.cc", "return std::memcmp(received, mki, length) == 0;"),
        ("dataplane/a.h", "std::mutex mutex_;"),
        ("control/a.cc", "using namespace std::chrono_literals;"),
        ("crypto/a.cc", "// memcmp(a, b) would tell by its time"),
        ("crypto/a.cc", 'fail("rand() is not for keys");'),
        ("control/a.cc", "operand(1); snprintf(a, sizeof a, b);"),
        ("control/a.cc", 'log::info("leg", {{"suite", name}});'),
        ("base/a.cc", "// TODO(#12): tidy this"),
        ("base/a.cc", "void f() {\n" + "  g();\n" * 90 + "}"),
        ("tests/vectors/a.cc", "int x;\n" * 900),
        ("dataplane/a.cc", "constexpr char separator = '\"'; // printf(\"x\")"),
    )

    def test_caught(self) -> None:
        for path, line in self.CAUGHT:
            with self.subTest(path=path, line=line[:60]):
                self.assertTrue(problems(path, line + "\n"))

    def test_passed(self) -> None:
        for path, line in self.PASSED:
            with self.subTest(path=path, line=line[:60]):
                self.assertEqual(problems(path, line + "\n"), [])

    def test_heads(self) -> None:
        self.assertTrue(problems("base/a.h", "", head="#pragma once\n"))
        self.assertTrue(problems("base/a.h", "", head=HEAD.splitlines()[0] + "\n#pragma once\n"))
        self.assertTrue(problems("base/a.h", "", head=HEAD.replace("GPL-3.0-or-later", "MIT")))


class Tools(unittest.TestCase):
    """The lints that ask a compiler, on a tree of their own."""

    def setUp(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.root = pathlib.Path(self._folder.name)

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + text)
        return path

    def build(self, *names: str) -> None:
        """Compiles the sources and writes the compile commands."""
        compiler = os.environ.get("CXX", "g++")
        entries = []
        for name in names:
            command = [compiler, "-std=c++20", "-O1", "-c", name, "-o", name + ".o"]
            subprocess.run(command, cwd=self.root, check=True)
            entries.append({"directory": str(self.root), "command": " ".join(command), "file": name, "output": name + ".o"})
        (self.root / "compile_commands.json").write_text(json.dumps(entries))

    def test_header_that_leans_on_others(self) -> None:
        self.write("base/good.h", "#pragma once\n#include <string>\ninline std::string f() { return {}; }\n")
        self.write("base/bad.h", "#pragma once\ninline std::string g() { return {}; }\n")
        self.write("base/a.cc", '#include "base/good.h"\n'.replace("base/", ""))
        self.build("base/a.cc")
        found = check_headers.check(self.root, self.root)
        self.assertEqual(len(found), 1)
        self.assertIn("base/bad.h", found[0])

    def test_source_that_nobody_builds(self) -> None:
        self.write("tests/used_test.cc", "int x;\n")
        self.write("tests/lost_test.cc", "int y;\n")
        self.build("tests/used_test.cc")
        self.assertEqual(check_built.check(self.root, self.root), ["tests/lost_test.cc"])

    def test_hot_object_that_allocates(self) -> None:
        bodies = {
            "allocates": "int* f() { return new int; }",
            "locks": "#include <pthread.h>\nvoid f(pthread_mutex_t* m) { pthread_mutex_lock(m); }",
            "calls the system": "#include <unistd.h>\nvoid f() { (void)!write(1, nullptr, 0); }",
            "logs": "#include <cstdio>\nvoid f(int x) { std::printf(\"%d\", x); }",
            "reads a clock": "#include <chrono>\nauto f() { return std::chrono::steady_clock::now(); }",
            "throws": "void f() { throw 1; }",
        }
        for reason, body in bodies.items():
            with self.subTest(reason=reason):
                self.write("dataplane/hot.cc", "// Hot.\n" + body + "\n")
                self.build("dataplane/hot.cc")
                objects, found = check_hot_symbols.check(self.root, self.root)
                self.assertEqual(objects, 1)
                self.assertTrue(any(reason in text for text in found), found)

    def test_cold_object_may_allocate_and_clean_hot_one_passes(self) -> None:
        self.write("dataplane/cold.cc", "int* f() { return new int; }\n")
        self.write("dataplane/hot.cc", "// Hot.\nint g(int x) { return x + 1; }\n")
        self.build("dataplane/cold.cc", "dataplane/hot.cc")
        self.assertEqual(check_hot_symbols.check(self.root, self.root), (1, []))

    def test_bad_format(self) -> None:
        (self.root / ".clang-format").write_text("BasedOnStyle: Google\n")
        self.write("base/a.cc", "int  f( ){return 1 ;}\n")
        self.assertNotEqual(check_format.check(self.root)[0], 0)
        self.write("base/a.cc", "\nint f() { return 1; }\n")
        self.assertEqual(check_format.check(self.root)[0], 0)


class Counting(unittest.TestCase):
    """The counts of tools/check must not be able to hide a failure."""

    GTEST = """<testsuites><testsuite name="S">
      <testcase name="good" status="run" result="completed" classname="S"/>
      <testcase name="bad" status="run" classname="S"><failure message="no"/></testcase>
      <testcase name="later" status="run" result="skipped" classname="S"><skipped message="file:1&#x0A;no NIC"/></testcase>
      <testcase name="off" status="notrun" result="suppressed" classname="S"/></testsuite></testsuites>"""

    def test_gtest(self) -> None:
        tally = test_results.read_gtest(self.GTEST)
        self.assertEqual((tally.passed, tally.failed, tally.skipped), (1, ["S.bad"], ["S.later: no NIC"]))

    def test_tap(self) -> None:
        tally = test_results.read_tap("1..3\nok 1 - one\nnot ok 2 - two\nok 3 - three # SKIP no root\nnoise\n")
        self.assertEqual((tally.passed, tally.failed, tally.skipped), (1, ["two"], ["three: no root"]))

    def meson(self, result: str, report: str | None, protocol: str = "gtest") -> test_results.Tally:
        with tempfile.TemporaryDirectory() as folder:
            build = pathlib.Path(folder)
            (build / "meson-logs").mkdir()
            if result:
                record = {"name": "sallyport:unit / t", "result": result, "stdout": "why\n"}
                (build / "meson-logs" / "testlog.json").write_text(json.dumps(record) + "\n")
            if report:
                (build / "t.xml").write_text(report)
            return test_results.read_meson(build, {"t": {"protocol": protocol}})

    def test_program_that_fails_after_its_cases_passed(self) -> None:
        report = '<testsuites><testsuite><testcase name="a" classname="S" status="run"/></testsuite></testsuites>'
        self.assertEqual(len(self.meson("FAIL", report).failed), 1)
        self.assertEqual(len(self.meson("TIMEOUT", report).failed), 1)
        self.assertEqual(len(self.meson("OK", report).failed), 0)

    def test_program_that_ran_nothing(self) -> None:
        self.assertEqual(len(self.meson("OK", None).failed), 1)
        self.assertEqual(len(self.meson("FAIL", None).failed), 1)
        self.assertEqual(len(self.meson("", None).failed), 1)

    def test_skip_tells_why(self) -> None:
        self.assertEqual(self.meson("SKIP", None, "exitcode").skipped, ["t: why"])


if __name__ == "__main__":
    unittest.main()
