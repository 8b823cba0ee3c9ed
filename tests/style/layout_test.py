"""How the tree is laid out: small folders, finished code, a short README."""
import re
import unittest
from collections import Counter

from tree import sources

MOST_FILES = 25
MOST_README_LINES = 150
# Put together here so that this file does not match it.
UNFINISHED = re.compile(r"\b(TO" "DO|FIX" r"ME|XX" r"X)\b")


def crowded(paths):
    """Returns a sentence for each folder that holds too many of the files. In models/ a file and its Python twin are one:
    else a tenth model would find no room."""
    counted = {path.removesuffix(".py").removesuffix(".cc") if path.startswith("models/") else path
               for path in paths if not path.startswith("tests/fuzz/corpus/")}
    folders = Counter(path.rpartition("/")[0] for path in counted)
    return [f"{folder}/ holds {count} source files: {MOST_FILES} is the most; give it rooms or merge small files"
            for folder, count in sorted(folders.items()) if count > MOST_FILES]


def unfinished(files):
    """Returns a sentence for each line of {path: text} with a word that promises later work."""
    return [f"{path}:{number}: says {match[1]}: do it, or file an issue"
            for path, text in files.items() for number, line in enumerate(text.splitlines(), 1) if (match := UNFINISHED.search(line))]


class LayoutTest(unittest.TestCase):
    def test_no_folder_is_crowded(self):
        self.assertEqual(crowded(sources("*.cc", "*.h", "*.py")), [])

    def test_nothing_is_unfinished(self):
        names = ("*.cc", "*.h", "*.py", "*.sh", "*.cmake", "*.in", "*CMakeLists.txt", "*.json", "*.md", "scripts/*", ".ci/*")
        self.assertEqual(unfinished({path: text for path, text in sources(*names).items() if not path.startswith("tests/fuzz/corpus/")}), [])

    def test_readme_is_short(self):
        lines = len(sources("README.md")["README.md"].splitlines())
        self.assertLessEqual(lines, MOST_README_LINES, "README.md is too long: docs/ holds what the first screens do not need")

    def test_a_crowded_folder_is_told(self):
        paths = [f"a/{i}.cc" for i in range(MOST_FILES + 1)] + [f"b/{i}.cc" for i in range(MOST_FILES)]
        paths += [f"models/{i}.{ending}" for i in range(MOST_FILES) for ending in ("cc", "py")]
        self.assertEqual(crowded(paths), ["a/ holds 26 source files: 25 is the most; give it rooms or merge small files"])

    def test_an_unfinished_line_is_told(self):
        word = "TO" "DO"
        self.assertEqual(unfinished({"a.cc": f"int a;\n// {word}: more\nint XXXX;\n"}), [f"a.cc:2: says {word}: do it, or file an issue"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
