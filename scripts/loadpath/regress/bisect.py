"""Finds the commit that made a case worse: git bisect over the verdict of scripts/regress."""

import shlex
import shutil
import subprocess
import sys

from loadpath.common.command_line import BadUse

NAME = "scripts/regress"
# What git bisect run understands: good, bad, cannot tell.
GOOD, BAD, SKIP = 0, 1, 125
# Passed on to every comparison.
KEPT = ("--filter", "--cache", "--pairs", "--time-limit", "--case-limit", "--seed", "--data")


def run(options, root, tell):
    """Returns the exit status: 0 if the commit was found. Raises BadUse."""
    good, dots, bad = options.get("--bisect").partition("..")
    if not good or not dots or not bad:
        raise BadUse(f"--bisect {options.get('--bisect')}: two revisions are needed, as GOOD..BAD")
    if options.get("--base") or options.get("--head"):
        raise BadUse("--bisect names both revisions: leave out --base and --head")
    if not options.get("--filter"):
        raise BadUse("--bisect needs --filter: the cases that became worse")
    # In a clone: the working tree stays as it is.
    place = root / "build" / "regress" / "bisect"
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    _git(root, "clone", "--quiet", "--shared", "--no-checkout", str(root), str(place))
    commits = {}
    for name in (good, bad):
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"], capture_output=True, text=True
        )
        if done.returncode != 0:
            raise BadUse(f"--bisect: {name}: no revision of this repository")
        commits[name] = done.stdout.strip()
    kept = [part for flag in KEPT if options.get(flag) for part in (flag, options.get(flag))]
    compare = [str(root / NAME), "--base", commits[good], *kept]
    tell(f"comparing {bad} with {good} first")
    status = subprocess.run([*compare, "--head", commits[bad]]).returncode
    if status not in (1, 3):
        raise BadUse(f"{bad} is not worse than {good} (exit status {status}): there is nothing to find")
    _git(place, "checkout", "--quiet", "--detach", commits[bad])
    _git(place, "bisect", "start", commits[bad], commits[good])
    script = (
        'commit=$(git rev-parse HEAD); echo "trying $commit" >&2; '
        f'{shlex.join(compare)} --head "$commit" >&2; '
        f"case $? in 0) exit {GOOD} ;; 1 | 3) exit {BAD} ;; 130) exit 255 ;; *) exit {SKIP} ;; esac"
    )
    done = subprocess.run(["git", "-C", str(place), "bisect", "run", "bash", "-c", script], capture_output=False)
    if done.returncode != 0:
        tell("git bisect could not tell which commit it is; the last lines say why")
        return 4
    found = subprocess.run(
        ["git", "-C", str(place), "log", "-1", "--format=%h %s (%an, %as)", "refs/bisect/bad"], capture_output=True, text=True
    ).stdout.strip()
    print(f"the first commit that is worse: {found}")
    sys.stdout.flush()
    return 0


def _git(place, *words):
    done = subprocess.run(["git", "-C", str(place), *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise BadUse(f"git {words[0]}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'}")
