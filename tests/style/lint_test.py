"""scripts/lint in a small repository of its own: which files it checks, what it says, how it ends."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from tree import ROOT

FORMAT, TIDY = os.environ.get("LOADPATH_CLANG_FORMAT"), os.environ.get("LOADPATH_CLANG_TIDY")
GOOD = "int Good() { return 1; }\n"
UGLY = "int  Ugly( ){ return 1;}\n"
OLD = "typedef int Number;\n"


class LintTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name).resolve() / "repository"
        (self.root / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "lint", self.root / "scripts")
        for name in (".clang-format", ".clang-tidy"):
            shutil.copy(ROOT / name, self.root)
        self.write("harness/old.cc", UGLY)
        self.write("harness/good.cc", GOOD)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def git(self, *command):
        identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
        subprocess.run(["git", *identity, *command], cwd=self.root, check=True, capture_output=True)

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Test")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def compiled(self, *names, flags="", besides=()):
        entries = [*besides] + [{"directory": str(self.root), "file": name, "command": f"c++ -I{self.root} {flags} -Wno-restrict -std=c++20 -c {name}"} for name in names]
        self.write("build/compile_commands.json", json.dumps(entries))
        self.write(".gitignore", "/build/\n")
        return entries

    def lint(self, *flags):
        programs = [*(["--clang-format", FORMAT] if FORMAT else []), *(["--clang-tidy", TIDY] if TIDY else [])]
        done = subprocess.run([self.root / "scripts" / "lint", *programs, *flags], capture_output=True, text=True)
        return done.returncode, (done.stdout + done.stderr).splitlines()

    def findings(self, *flags):
        code, lines = self.lint("--only", "tidy", *flags)
        return code, [line.split(":")[0] + line[line.rindex(" ["):] for line in lines if ": error: " in line]


@unittest.skipUnless(FORMAT, "clang-format 14 is not installed")
class FormatTest(LintTest):
    def format(self, *flags):
        return self.lint("--only", "format", *flags)

    def test_files_that_did_not_change_are_left_alone(self):
        self.assertEqual(self.format(), (0, ["clang-format: 0 files"]))

    def test_new_and_changed_files(self):
        self.write("harness/good.cc", UGLY)
        self.write("harness/new.h", UGLY)
        sentence = "is not formatted as .clang-format says; scripts/lint --fix does it"
        self.assertEqual(self.format(), (1, [f"harness/good.cc: {sentence}", f"harness/new.h: {sentence}", "clang-format: 2 files"]))

    def test_what_a_branch_changed(self):
        self.git("checkout", "--quiet", "-b", "branch")
        self.write("harness/new.h", UGLY)
        self.commit()
        self.assertEqual(self.format()[0], 1)
        self.assertEqual(self.format("--base", "HEAD"), (0, ["clang-format: 0 files"]))

    def test_all(self):
        self.assertEqual(self.format("--all")[0], 1)

    def test_fix(self):
        self.assertEqual(self.format("--all", "--fix"), (0, ["clang-format: 2 files"]))
        self.assertEqual((self.root / "harness/old.cc").read_text(), UGLY.replace("int  Ugly( ){ return 1;}", "int Ugly() { return 1; }"))
        self.assertEqual(self.format("--all")[0], 0)

    def test_a_deleted_file(self):
        (self.root / "harness/old.cc").unlink()
        self.assertEqual(self.format("--all"), (0, ["clang-format: 1 files"]))

    def test_another_release(self):
        self.write("build/other", "#!/bin/sh\necho clang-format version 18.1.3\n")
        (self.root / "build/other").chmod(0o755)
        code, lines = self.format("--clang-format", str(self.root / "build/other"))
        self.assertEqual((code, len(lines)), (2, 1))
        self.assertIn("build/other: is release 18, and 14 is needed", lines[0])


@unittest.skipUnless(TIDY, "clang-tidy 14 is not installed")
class TidyTest(LintTest):
    def test_a_changed_source_file(self):
        self.compiled("harness/good.cc", "harness/old.cc")
        self.assertEqual(self.findings(), (0, []))
        self.write("harness/good.cc", OLD)
        self.assertEqual(self.findings(), (1, ["harness/good.cc [modernize-use-using,-warnings-as-errors]"]))

    def test_a_header_is_told_once(self):
        for name in ("a", "b"):
            self.write(f"harness/{name}.cc", '#include "harness/head.h"\n')
        self.write("harness/head.h", OLD)
        self.compiled("harness/a.cc", "harness/b.cc")
        self.assertEqual(self.findings("--all"), (1, ["harness/head.h [modernize-use-using,-warnings-as-errors]"]))

    def test_a_changed_header_is_seen_through_a_file_that_includes_it(self):
        self.write("harness/good.cc", '#include "harness/head.h"\n')
        self.write("harness/head.h", "")
        self.compiled("harness/good.cc")
        self.commit()
        self.write("harness/head.h", OLD)
        self.assertEqual(self.findings(), (1, ["harness/head.h [modernize-use-using,-warnings-as-errors]"]))

    def test_fix(self):
        self.write("harness/good.cc", OLD)
        self.compiled("harness/good.cc")
        self.assertEqual(self.findings("--fix")[0], 1)
        self.assertEqual((self.root / "harness/good.cc").read_text(), "using Number = int;\n")
        self.assertEqual(self.findings(), (0, []))

    def test_a_warning_of_the_compiler(self):
        self.write("harness/good.cc", "int Good() {\n  int unused = 1;\n  return 1;\n}\n")
        self.compiled("harness/good.cc", flags="-Wall")
        self.assertEqual(self.findings(), (1, ["harness/good.cc [clang-diagnostic-unused-variable,-warnings-as-errors]"]))

    def test_a_file_that_does_not_compile(self):
        self.write("harness/good.cc", "int Good(\n")
        self.compiled("harness/good.cc")
        self.assertEqual(self.lint("--only", "tidy")[0], 1)

    def test_torch_free(self):
        self.write("harness/good.cc", OLD)
        self.compiled("harness/good.cc", flags="-isystem /torch/include/torch/csrc/api/include")
        self.assertEqual(self.findings("--torch-free"), (0, []))
        self.assertEqual(self.findings()[0], 1)

    def test_by_folder(self):
        (self.root / "harness/old.cc").unlink()
        self.write("harness/part.cc", '#include "harness/head.h"\n' + OLD)
        self.write("harness/head.h", OLD)
        together = self.root / "build/Unity/unity_folder_cxx.cxx"
        self.write(together.relative_to(self.root), f'#include "{self.root}/harness/good.cc"\n#include "{self.root}/harness/part.cc"\n')
        self.compiled(str(together))
        wanted = [f"harness/{name} [modernize-use-using,-warnings-as-errors]" for name in ("head.h", "part.cc")]
        self.assertEqual(self.findings("--all", "--by-folder"), (1, wanted))
        self.assertEqual(self.lint("--all", "--by-folder", "--only", "tidy")[1][-1], "clang-tidy: 2 files, 2 findings")
        self.assertEqual(self.lint("--by-folder", "--fix")[0], 2)

    def test_a_precompiled_header_of_gcc(self):
        self.write("build/pch.hxx", "using Number = int;\n")
        self.write("build/pch.hxx.gch", "gpch: not clang's\n")
        self.write("harness/good.cc", "typedef Number Other;\n")
        good = self.compiled("harness/good.cc", flags=f"-Winvalid-pch -include {self.root}/build/pch.hxx")
        self.assertEqual(self.findings(), (1, ["harness/good.cc [modernize-use-using,-warnings-as-errors]"]))
        self.write("other/pch.hxx", "using Other = long;\n")
        self.write("other/pch.hxx.gch", "gpch: not clang's\n")
        self.write("harness/other.cc", "Other value = 1;\n")
        self.compiled("harness/other.cc", flags=f"-include {self.root}/other/pch.hxx", besides=good)
        self.assertEqual(self.findings(), (1, ["harness/good.cc [modernize-use-using,-warnings-as-errors]"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
