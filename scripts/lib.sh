# Sets up what the scripts beside this file need: the steps in order, and only those that are out of date. Sourced.
#
# Each step writes one line to standard error: its name, what it does and how long it took. Standard output is the
# program's alone. If a step fails, the end of its log is shown. A step that was interrupted is repeated by the next call:
# stamps are written last, and what a step makes is renamed into place.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)
venv=$root/.venv
logs=$root/build/logs
build=$root/build
torch_root=
arguments=()

readonly kFailed=3 # a step of the set-up failed, or something cannot be written (bench's own codes are 0, 1, 2 and 130)
readonly kBadUse=2

# die CODE SENTENCE: writes the sentence to standard error and exits with CODE.
die() {
  printf 'loadpath: %s\n' "$2" >&2
  exit "$1"
}

# usage: prints the comment at the head of the script that was called.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# did_you_mean WORD CANDIDATES…: prints "; did you mean CANDIDATE?" if one is near by edit distance, as harness/base/nearest.h
# has it: two swapped neighbours are one edit, and no more than a third of the longer word may differ.
did_you_mean() {
  printf '%s\n' "$@" | awk '
    function least(a, b) { return a < b ? a : b }
    NR == 1 { word = $0; length_ = length(word); next }
    {
      m = length($0)
      for (i = 0; i <= length_; i++) {
        for (j = 0; j <= m; j++) {
          same = substr(word, i, 1) == substr($0, j, 1)
          if (i == 0 || j == 0) { d[i, j] = i + j; continue }
          d[i, j] = least(least(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + !same)
          if (i > 1 && j > 1 && substr(word, i, 1) == substr($0, j - 1, 1) && substr(word, i - 1, 1) == substr($0, j, 1))
            d[i, j] = least(d[i, j], d[i - 2, j - 2] + 1)
        }
      }
      longer = length_ > m ? length_ : m
      if (d[length_, m] * 3 <= longer && (best == "" || d[length_, m] < fewest)) { best = $0; fewest = d[length_, m] }
    }
    END { if (best != "") printf "; did you mean %s?", best }'
}

# unknown_flag FLAG KNOWN…: says that there is no such flag, and which one may be meant. Exits.
unknown_flag() {
  local name=${1%%=*}
  shift
  die $kBadUse "unknown flag: $name$(did_you_mean "$name" "$@" --torch-root --help) (scripts/${0##*/} --help lists the flags)"
}

# take_torch_root ARGUMENTS…: takes --torch-root out of the arguments and leaves the others, for the program, in `arguments`.
take_torch_root() {
  while [ $# -gt 0 ]; do
    case $1 in
      --torch-root)
        [ -n "${2:-}" ] || die $kBadUse "--torch-root needs a folder: a wheel's torch folder or an unpacked LibTorch"
        torch_root=$2
        shift
        ;;
      --torch-root=*) torch_root=${1#*=} ;;
      *) arguments+=("$1") ;;
    esac
    shift
  done
  [ -n "$torch_root" ] || return 0
  [ -e "$torch_root/include/ATen/ATen.h" ] && [ -e "$torch_root/lib/libtorch_cpu.so" ] ||
    die $kBadUse "$torch_root: not a LibTorch (it has no include/ATen/ATen.h or no lib/libtorch_cpu.so)"
  torch_root=$(cd -- "$torch_root" >/dev/null && pwd -P)
  local version
  version=$(sed -n 's/.*define TORCH_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\).*/\2/p' \
    "$torch_root"/include/torch/{headeronly,csrc/api/include/torch}/version.h 2>/dev/null | paste -sd. || true)
  build=$root/build-torch-${version:-unknown}-$(printf %s "$torch_root" | sha256sum | cut -c 1-6)
}

# --- one line a step -------------------------------------------------------------------------------------------------

step='' began=0 ticker=''

elapsed() {
  local microseconds=$((${EPOCHREALTIME/[.,]/} - began))
  printf '%d.%d' $((microseconds / 1000000)) $((microseconds / 100000 % 10))
}

begin() {
  step=$1
  began=${EPOCHREALTIME/[.,]/}
}

doing() { printf '%-19s %-56s' "$step" "$1" >&2; }
finish() { printf '%8s s\n' "$(elapsed)" >&2; }
up_to_date() {
  doing "${1:-up to date}"
  finish
}

stop_ticker() {
  [ -n "$ticker" ] || return 0
  kill "$ticker" 2>/dev/null && wait "$ticker" 2>/dev/null || true
  ticker=
}
trap stop_ticker EXIT
trap 'printf "\nloadpath: interrupted; call it again to go on\n" >&2; exit 130' INT TERM

# Shows the seconds so far and the last [n/m] of the log while the step runs, if standard error is a terminal.
start_ticker() {
  [ -t 2 ] || return 0
  local text=$1 log=$2
  (
    trap - EXIT INT TERM
    while sleep 1; do
      printf '\r%-19s %-44.44s %11s%8s s' "$step" "$text" \
        "$(tail -c 4096 "$log" 2>/dev/null | grep -oE '\[[0-9]+/[0-9]+\]' | tail -n 1)" "$(elapsed)" >&2
    done
  ) &
  ticker=$!
}

# logged NAME TEXT COMMAND…: runs the command of a step with its output in build/logs/NAME.log. If TEXT is empty, the
# function `outcome LOG` says afterwards what was done.
logged() {
  local log=$logs/$1.log text=$2 code=0
  shift 2
  mkdir -p "$logs"
  if [ -n "$text" ]; then doing "$text"; else printf '%-19s ' "$step" >&2; fi
  : >"$log"
  start_ticker "$text" "$log"
  "$@" >"$log" 2>&1 </dev/null 9>&- || code=$?
  stop_ticker
  if [ ! -t 2 ]; then
    [ -n "$text" ] || printf '%-56s' "$([ "$code" != 0 ] || outcome "$log")" >&2
  else
    printf '\r%-19s %-56s' "$step" "${text:-$([ "$code" != 0 ] || outcome "$log")}" >&2
  fi
  [ "$code" = 0 ] || {
    printf '\n' >&2
    tail -n 25 "$log" | sed 's/^/    /' >&2
    die $kFailed "$step failed (exit $code); the whole log: ${log#"$root"/}"
  }
  finish
}

# --- the steps -------------------------------------------------------------------------------------------------------

packages=(
  ca-certificates cmake g++ git ninja-build python3 python3-venv
  libbenchmark-dev libcli11-dev libdeflate-dev libgmock-dev libgtest-dev libssl-dev nlohmann-json3-dev zlib1g-dev
)
fuzz_packages=(clang libclang-rt-dev) # libFuzzer
# clang-tidy; clang-format is in requirements.txt. Both are release 14 on every system: others find and format differently.
# Google Benchmark's compare.py, which reads our JSON. A PostgreSQL server, for the history of runs.
test_packages=("${fuzz_packages[@]}" clang-tidy-14 libbenchmark-tools postgresql)

system_packages() {
  begin 'system packages'
  if [ "${LOADPATH_SYSTEM_PACKAGES:-}" = skip ] || ! command -v dpkg-query >/dev/null; then
    up_to_date 'not checked'
    return
  fi
  local missing
  missing=$(comm -23 <(printf '%s\n' "${packages[@]}" | sort) \
    <(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^ii *//p' | sort))
  if [ -z "$missing" ]; then
    up_to_date
    return
  fi
  mapfile -t missing <<<"$missing"
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || {
      doing "${#missing[@]} are missing, and apt needs root"
      printf '\n\n    sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n\n' "${missing[*]}" >&2
      die $kFailed 'type the line above, then call this again (LOADPATH_SYSTEM_PACKAGES=skip goes on without)'
    }
    as_root=(sudo -n)
  fi
  install_packages() {
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600)
    "${as_root[@]}" dpkg --configure -a && "${apt[@]}" update &&
      "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
  }
  logged system-packages "installing ${#missing[@]} with apt" install_packages
}

# Prints the first Python that has a wheel of LibTorch and all pinned packages and can make an environment.
find_python() {
  local python
  for python in python3 /usr/bin/python3 python3.12 python3.11; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$python"
      return
    fi
  done
  return 1
}

python_environment() {
  begin 'python environment'
  local requirements=("$root/scripts/requirements.txt" "$root/scripts/requirements-nodeps.txt" "$root/tests/requirements.txt") wanted text python
  wanted=$(cat "${requirements[@]}" | sha256sum | cut -c 1-64)
  environment_stamp() { printf '%s %s\n' "$wanted" "$("$venv/bin/python" -V 2>&1)"; }
  if [ "$(cat "$venv/.stamp" 2>/dev/null)" = "$(environment_stamp)" ]; then
    up_to_date
    return
  fi
  text="updating .venv to scripts/requirements.txt"
  # The environment is made again if an interrupted call left it unfinished or its interpreter has gone.
  if [ -e "$venv/.unfinished" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python) || die $kFailed 'no Python from 3.11 on with its venv module was found'
    text="making .venv: $(sed -n 's/^torch==/torch /p' "${requirements[0]}") and $(grep -c == "${requirements[0]}") more, 3 GB to fetch"
    rm -rf "$venv"
  fi
  # Compiling all of the packages takes minutes; without any, each import of PyTorch takes 10 s. This compiles what is used.
  compile_imports() {
    env -u PYTHONDONTWRITEBYTECODE "$venv/bin/python" -c 'import jsonschema, scipy.stats, torch.distributed.checkpoint, torch.export, torchvision, transformers'
  }
  make_environment() {
    [ -e "$venv/bin/python" ] || { mkdir -p "$venv" && : >"$venv/.unfinished" && "$python" -m venv "$venv"; } || return
    : >"$venv/.unfinished"
    rm -f "$venv/.stamp"
    "$venv/bin/python" -m pip install --no-compile --progress-bar off -r "${requirements[0]}" -r "${requirements[2]}" &&
      "$venv/bin/python" -m pip install --no-compile --progress-bar off --no-deps -r "${requirements[1]}" &&
      compile_imports &&
      environment_stamp >"$venv/.stamp" && rm "$venv/.unfinished"
  }
  logged python-environment "$text" make_environment
}

configure() {
  begin 'configure'
  local fresh=() home
  home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt" 2>/dev/null || true)
  if [ "$home" = "$root" ] && [ -e "$build/build.ninja" ] && [ ! "$root/CMakePresets.json" -nt "$build/build.ninja" ]; then
    up_to_date # ninja itself runs CMake again if a CMake file changed
    return
  fi
  # A build folder that was copied or moved with the repository names its old place and is made anew.
  [ -z "$home" ] || [ "$home" = "$root" ] || fresh=(--fresh)
  logged configure "into ${build#"$root"/}/" cmake "${fresh[@]}" -S "$root" --preset release -B "$build" \
    ${torch_root:+-DLOADPATH_TORCH_ROOT="$torch_root"}
}

# Prints how many compilers may run at once: a source file that includes LibTorch takes up to 2 GB.
jobs() {
  local cores gigabytes
  cores=$(nproc)
  gigabytes=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
  [ $((gigabytes / 2)) -ge "$cores" ] || cores=$((gigabytes / 2))
  printf '%d\n' $((cores > 0 ? cores : 1))
}

# compile TARGETS…
compile() {
  begin 'build'
  outcome() {
    if grep -q '^ninja: no work to do' "$1"; then echo 'up to date'; else echo "into ${build#"$root"/}/"; fi
  }
  logged build '' ninja -C "$build" -j "$(jobs)" "$@"
}

# writable_folder DIR: makes a folder of the checkout; exits with one line if that cannot be.
writable_folder() {
  mkdir -p "$1" 2>/dev/null && [ -w "$root" ] && [ -w "$1" ] ||
    die $kFailed "$root: cannot be written; copy the repository to a folder where you may write (it holds the build and .venv)"
}

# python_program MODULE ARGUMENTS…: sets up the Python environment, and is then the module's program. What it builds, it asks
# for itself.
python_program() {
  local module=$1
  shift
  if [ "${1:-}" != --help ] && [ "${1:-}" != -h ]; then
    lock
    system_packages
    python_environment
    exec 9>&-
  fi
  local python=$venv/bin/python
  [ -x "$python" ] || python=python3
  LOADPATH_ROOT=$root PYTHONPATH=$root/scripts exec "$python" -B -m "$module" "$@"
}

# set_up TARGETS…: runs the steps up to the programs. If another call runs in this repository, waits for it first. The
# function `meanwhile`, if there is one, is called before the Python environment is made: pip keeps one core busy for a minute.
set_up() {
  lock
  system_packages
  ! declare -F meanwhile >/dev/null || meanwhile
  python_environment
  configure
  compile "$@"
}

# lock: waits until no other call sets up in this repository. `exec 9>&-` ends it.
lock() {
  writable_folder "$root/build"
  { exec 9>"$root/build/.set-up.lock"; } 2>/dev/null ||
    die $kFailed "$root/build/.set-up.lock: cannot be written; is it another user's?"
  flock -n 9 || {
    printf 'loadpath: waiting for another call in this repository\n' >&2
    flock 9
  }
}
