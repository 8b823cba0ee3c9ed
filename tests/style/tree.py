"""The files that git knows, as they lie in the working tree."""
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def sources(*patterns):
    """Returns {path relative to the root: text} of the tracked and new files that match a pattern."""
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    return {name: (ROOT / name).read_text() for name in sorted(set(names)) if (ROOT / name).is_file()}
