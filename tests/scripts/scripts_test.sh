#!/bin/bash
# Tests the scripts without a network: the repository's own files, and the set-up in a copy with stand-ins for its tools.
set -uo pipefail
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# check WHAT COMMAND…: the command succeeds. If it fails, its output is shown.
check() {
  local what=$1 output
  shift
  if output=$("$@" 2>&1); then
    printf 'ok    %s\n' "$what"
  else
    printf 'FAIL  %s\n%s\n' "$what" "$output"
    failures=$((failures + 1))
  fi
}

# expect WHAT CODE TEXT COMMAND…: the command exits with CODE and its output contains TEXT.
expect() {
  local what=$1 code=$2 text=$3 output got=0
  shift 3
  output=$("$@" 2>&1) || got=$?
  if [ "$got" = "$code" ] && [[ $output == *"$text"* ]]; then
    printf 'ok    %s\n' "$what"
  else
    printf 'FAIL  %s: exit %s, wanted %s with "%s"\n%s\n' "$what" "$got" "$code" "$text" "$output"
    failures=$((failures + 1))
  fi
}

# --- the files of the repository -------------------------------------------------------------------------------------

for script in "$root"/scripts/{lib.sh,bench,fuzz,test,setup} "$root/.ci/run"; do
  check "syntax of ${script#"$root"/}" bash -n "$script"
done

unpinned() { ! grep -HnvE '^(#.*|[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*)?$' "$root"/{scripts,tests}/requirements*.txt; }
check 'every requirement is exactly pinned' unpinned

twice() { [ -z "$(sed -n 's/==.*//p' "$root"/{scripts,tests}/requirements*.txt | tr 'A-Z_' 'a-z-' | sort | uniq -d | tee /dev/stderr)" ]; }
check 'no requirement is pinned twice' twice

# The pattern is split so that this file does not match it.
machine='(^|[^A-Za-z0-9_.$}-])/(work|root|home|Users)''/|(pypi|pythonhosted|files[.]pythonhosted)[.]''(org|com)|index''-url|download[.]pytorch[.]''org'
clean() { ! git -C "$root" grep -nIE "$machine" -- ':!results'; }
if git -C "$root" rev-parse --git-dir >/dev/null 2>&1; then
  check 'no path of a machine and no host of a package registry' clean
fi

# --- stand-ins for the tools ------------------------------------------------------------------------------------------

copy=$work/copy tools=$work/tools
mkdir -p "$copy/models" "$copy/harness/golden" "$copy/tests" "$tools"
cp -r "$root/scripts" "$copy/"
cp "$root/tests/requirements.txt" "$copy/tests/"
rm -f "$copy/scripts/generate_checkpoints.py"
touch "$copy/CMakePresets.json"

# tool NAME: makes a stand-in that appends its name and arguments to the calls, then runs the script on standard input.
tool() {
  { printf '#!/bin/bash\necho "%s $*" >>"%s/calls"\n' "$1" "$work"; cat; } >"$tools/$1"
  chmod +x "$tools/$1"
}
tool dpkg-query <<<'for p in "${@:4}"; do [ "$p" = "${MISSING:-}" ] || echo "ii $p"; done'
tool id <<<'echo "${AS_ID:-1000}"'
tool sudo <<<'exit 1'
tool apt-get <<<'exit "${APT_FAILS:-0}"'
tool dpkg <<<'exit 0'
tool python3 <<E
case "\$*" in
  "-m venv "*) mkdir -p "\$3/bin" && cp "\$0" "\$3/bin/python" ;;
  *-V*) echo "Python 3.11.2" ;;
  *"pip install"*) exit "\${PIP_FAILS:-0}" ;;
  *generate_checkpoints.py*)
    [ -z "\${GENERATOR_FAILS:-}" ] || { echo "no such model"; exit 1; }
    mkdir -p "\$3" && cat >"\$3/made" && touch "\$3/manifest.json"
    ;;
esac
E
tool cmake <<'E'
while [ $# -gt 0 ]; do case $1 in -B) build=$2 ;; -S) home=$2 ;; esac; shift; done
mkdir -p "$build/bin" && echo "CMAKE_HOME_DIRECTORY:INTERNAL=$home" >"$build/CMakeCache.txt" && touch "$build/build.ninja"
E
tool clang++ <<<'exit 0'
tool ninja <<E
[[ "\$*" != *"$copy/build/asan"* ]] || exit 0 # the build with sanitizers, beside pip
[ ! -e "$copy/build/built" ] || { echo "ninja: no work to do."; exit; }
[ -z "\${NINJA_FAILS:-}" ] || { echo "error: expected ';'"; exit 1; }
cp "$tools/program" "$copy/build/bin/bench"; touch "$copy/build/built"
E
tool ctest <<<'echo "ctest ran"'
tool program <<'E'
case " $* " in
  *" --device abacus "*) echo "bench: --device: abacus: not known" >&2; exit 2 ;;
  *" --list "*) echo load/linear/zip/bare/copy/cpu/hot ;;
  *) echo "bench ran" ;;
esac
E

# call SETTINGS… -- SCRIPT ARGUMENTS…: runs a script of the copy with the stand-ins first on the path.
call() {
  local settings=()
  while [ "$1" != -- ]; do settings+=("$1"); shift; done
  shift
  : >"$work/calls"
  env "${settings[@]}" PATH="$tools:$PATH" "$copy/scripts/$1" "${@:2}"
}
called() { grep -q -- "$1" "$work/calls"; }
not_called() { ! called "$1"; }
not_in() { ! grep -q -- "$2" "$1"; }

# --- bad use, before anything is set up ------------------------------------------------------------------------------

# refused WHAT TEXT SCRIPT ARGUMENTS…: the script ends with exit 2 and one line, before any set-up.
refused() {
  local what=$1 text=$2 output got=0
  : >"$work/calls"
  if [ "$3" = lint ]; then # sets nothing up, and is written in Python
    output=$("$root/scripts/lint" "${@:4}" 2>&1) || got=$?
  else
    output=$(call -- "${@:3}" 2>&1 </dev/null) || got=$?
  fi
  if [ "$got" = 2 ] && [ "$(wc -l <<<"$output")" = 1 ] && [[ $output == *"$text"* ]] && [ ! -s "$work/calls" ]; then
    printf 'ok    %s\n' "$what"
  else
    printf 'FAIL  %s: exit %s, wanted 2 and one line with "%s"\n%s\n' "$what" "$got" "$text" "$output"
    failures=$((failures + 1))
  fi
}

expect 'lint --help' 0 'usage: scripts/lint' "$root/scripts/lint" --help
for script in bench test setup fuzz; do
  expect "$script --help" 0 "usage: scripts/$script" call -- "$script" --help
done
for script in bench test setup; do
  refused "$script --torch-root without a folder" '--torch-root needs a folder' "$script" --torch-root
  refused "$script --torch-root with a folder that is no LibTorch" "$work: not a LibTorch" "$script" --torch-root "$work"
done
refused 'setup with an unknown flag' 'unknown flag: --foo (scripts/setup --help lists the flags)' setup --foo
refused 'setup with a mistyped flag' 'unknown flag: --tochr-root; did you mean --torch-root?' setup --tochr-root=x
refused 'setup with a bare word' "unexpected argument: 'foo'" setup foo
refused 'setup with an empty word' "unexpected argument: ''" setup ''

# One line and no more: the set-up would print a line a step.
refused 'test with an unknown flag' 'unknown flag: --foo' test --foo
refused 'test with an unknown short flag' 'unknown flag: -Z' test -R reader -Z
refused 'test with a mistyped flag' 'unknown flag: --rerun-fialed; did you mean --rerun-failed?' test --rerun-fialed
refused 'test with a bare word' "unexpected argument: 'reader' (-R 'reader' chooses tests by name)" test reader
refused 'test -R without a pattern' '-R needs a value' test -R
refused 'test -R before another flag' '-R needs a value' test -R --verbose
refused 'test --timeout without a number' '--timeout needs a value' test --timeout
refused 'bench --filter without a pattern' '--filter needs a value' bench --filter
refused 'bench --filter without a pattern, before another flag' '--filter needs a value' bench --filter --json x
refused 'bench --filter with an empty pattern' '--filter needs a value' bench --filter ''
refused 'bench --filter= without a pattern' '--filter needs a value' bench --filter=
refused 'bench with an unknown flag' 'unknown flag: --foo (scripts/bench --help lists the flags)' bench --foo
refused 'bench with a mistyped flag' 'unknown flag: --fitler; did you mean --filter?' bench --fitler=linear
refused 'bench with a bare word' "unexpected argument: 'linear' (--filter 'linear' chooses cases by name)" bench linear
refused 'bench with a file' "unexpected argument: '$work/calls' (--checkpoint '$work/calls' loads a file of your own)" bench "$work/calls"
refused 'bench --json without a file' '--json needs a value' bench --quick --json
refused 'bench --data without a folder' '--data needs a value' bench --data
refused 'bench --data with an empty folder name' '--data needs a value' bench --data=
refused 'fuzz with an unknown flag' 'unknown flag: --nosuch' fuzz --nosuch
refused 'fuzz with an unknown target' 'no target nosuch; the targets are zip' fuzz nosuch
refused 'fuzz --minutes without a number' '--minutes needs a number' fuzz --minutes
refused 'fuzz --minutes with a word' '--minutes ten: a whole number from 1 on is needed' fuzz --minutes ten
refused 'lint with an unknown flag' 'unknown flag: --nosuch' lint --nosuch
refused 'lint with an unknown revision' 'no such revision: nosuch' lint --base nosuch
refused 'lint without a compiled tree' "$work/compile_commands.json: does not exist; scripts/setup makes it" lint --only tidy --all --build "$work"

# --- the order of the steps -----------------------------------------------------------------------------------------

expect 'packages missing, no root' 3 'sudo apt-get update && sudo apt-get install -y --no-install-recommends cmake' call MISSING=cmake -- test
check '… and apt was not asked' not_called apt-get
expect 'apt fails' 3 'system packages failed (exit 9); the whole log: build/logs/system-packages.log' call MISSING=cmake AS_ID=0 APT_FAILS=9 -- test
expect 'pip fails' 3 'python environment failed (exit 4)' call PIP_FAILS=4 -- test
check '… and leaves no stamp' [ ! -e "$copy/.venv/.stamp" ]
check '… while the build with sanitizers was begun' called "cmake .*--preset fuzz-and-asan .*-B $copy/build/asan "
expect 'the compiler fails' 3 "error: expected ';'" call NINJA_FAILS=1 -- test
check 'the half-made environment was made again' called 'python3 -m venv'
expect 'test runs ctest' 0 'ctest ran' call -- test -R reader
check '… with its flags' called 'ctest .*-R reader'
check '… and the environment as it was' not_called 'pip install'
expect 'bench without a generator' 0 'bench ran' call -- bench --quick
touch "$copy/scripts/generate_checkpoints.py"
expect 'the generator fails' 3 'no such model' call GENERATOR_FAILS=1 -- bench --quick
expect 'prepare ends before anything is measured' 0 'reference data      for 1 cases' call -- bench --prepare --quick
check '… and runs no case' not_in "$work/calls" 'program.*--quick$'
rm -rf "$copy/build/reference"
expect 'bench makes the reference data' 0 'bench ran' call -- bench --quick
check '… from the names of the cases' grep -qx load/linear/zip/bare/copy/cpu/hot "$copy/build/reference/made"
expect 'a second call' 0 'reference data      up to date' call -- bench --quick
expect '… and so is the build' 0 'build               up to date' call -- bench --quick
check '… makes no data' not_called generate_checkpoints
check '… fetches and configures nothing' not_called 'pip install\|^cmake'
rm "$copy/build/reference/made"
expect 'after a file was deleted' 0 'bench ran' call -- bench --quick
check '… the data are made again' called generate_checkpoints
expect 'data elsewhere' 0 'bench ran' call -- bench --data "$work/elsewhere"
check '… lie there' [ -e "$work/elsewhere/manifest.json" ]
expect "bench's own flags come after the script's" 0 'bench ran' call -- bench --filter linear
check '… so that none is taken for a value' called "program --data $copy/build/reference --filter linear$"
for flag in --list --list-models --list-paths --version; do
  call -- bench --data "$work/none" "$flag" >"$work/output" 2>&1
  check "bench $flag makes no data" not_called generate_checkpoints
  check '… and says no word of them' not_in "$work/output" 'reference data'
done
expect 'a value that bench does not take' 2 'bench: --device: abacus: not known' call -- bench --device abacus
check '… makes no data' not_called generate_checkpoints

expect 'test with flags that take a value' 0 'ctest ran' call -- test -j3 --repeat until-fail:2 -LE 'fuzz|install' --no-tests=ignore
check '… hands them on' called 'ctest .*-j3 --repeat until-fail:2 -LE fuzz|install --no-tests=ignore$'

# Root may write everywhere: a file stands where the folder belongs.
touch "$work/file"
expect 'data that cannot be written' 3 "loadpath: $work/file: the reference data cannot be written there; name another folder with --data" \
  call -- bench --data "$work/file"
check '… are not made' not_called generate_checkpoints

# A checkout that cannot be written, as on a read-only mount. Root may write everywhere, so a file stands where the build
# folders belong.
rm -rf "$copy"/build*
touch "$copy/build" "$copy/build-fuzz"
for script in bench test setup fuzz; do
  expect "$script in a checkout that cannot be written" 3 "loadpath: $copy: cannot be written" call -- "$script"
  check '… says so in one line' [ "$(call -- "$script" 2>&1 | wc -l)" = 1 ]
done

# Another user's: the build folder is there and is not ours. Root gives its rights up for that, if it can.
rm -rf "$copy"/build*
mkdir -p "$copy/build"
chmod 755 "$work" "$copy" "$copy/build"
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$copy/scripts/lib.sh" 2>/dev/null; then
  for script in bench test setup; do
    expect "$script in another user's checkout" 3 "loadpath: $copy: cannot be written" \
      setpriv --reuid=65534 --regid=65534 --clear-groups "$copy/scripts/$script"
  done
  chmod 777 "$copy" "$copy/build"
  touch "$copy/build/.set-up.lock"
  chmod 644 "$copy/build/.set-up.lock"
  expect "setup beside another user's lock" 3 "loadpath: $copy/build/.set-up.lock: cannot be written" \
    setpriv --reuid=65534 --regid=65534 --clear-groups "$copy/scripts/setup"
  check '… says so in one line' [ "$(setpriv --reuid=65534 --regid=65534 --clear-groups "$copy/scripts/setup" 2>&1 | wc -l)" = 1 ]
fi

[ "$failures" = 0 ] || { printf '%d failed\n' "$failures"; exit 1; }
