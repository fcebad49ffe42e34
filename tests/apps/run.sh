#!/usr/bin/env bash
# run.sh: the suites of the example applications. notes-app: pytest on SQLite, then on a PostgreSQL of its own; node-service: node --test.
#
# Python's packages are installed once for each version of Python and of the requirements. What cannot run prints `SKIPPED <name>: …` on stderr.
# The last line on stdout is `passed N, skipped M`; the exit status is not 0 when a suite fails.
set -uo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/notes-dev
passed=0 skipped=0 failed=0
skip() { echo "SKIPPED $1: $2" >&2; skipped=$((skipped + 1)); }
work=$(mktemp -d /tmp/notes-apps-XXXXXX)
chmod 711 "$work"
trap '[ ! -d "$work/postgres/data" ] || "$project/examples/notes-app/dev/postgres" down "$work/postgres"; rm -rf "$work"' EXIT

# Runs one suite; pytest's and node's own counts are added up.
suite() { # NAME COMMAND...
  local name=$1; shift
  echo "$name" >&2
  if "$@" > "$work/log" 2>&1; then
    cat "$work/log" >&2
  else
    cat "$work/log" >&2
    echo "FAILED $name" >&2
    failed=$((failed + 1))
  fi
  local ok
  ok=$(sed -nE 's/^([0-9]+ failed, )?([0-9]+) passed.*/\2/p; s/^# pass ([0-9]+)$/\1/p' "$work/log" | tail -1)
  passed=$((passed + ${ok:-0}))
}

python_environment() { # prints the directory of an environment with the requirements
  local python key environment new
  python=$(command -v python3) || return 1
  key=$( (cat "$project"/examples/notes-app/requirements*.txt; "$python" -VV; echo "$python") | sha256sum | cut -c1-12)
  environment=$cache/python/$key
  if [ ! -x "$environment/bin/pytest" ]; then
    echo "notes-app: installing its requirements from PyPI, once" >&2
    mkdir -p "$cache/python"
    # In place, because the programs of an environment name its directory; pytest comes last, so a killed install is done again.
    rm -rf "$environment"
    "$python" -m venv "$environment" >&2 &&
      "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$project/examples/notes-app/requirements-dev.txt" >&2 || return 1
  fi
  echo "$environment"
}

notes_app() {
  local environment url
  cd "$project/examples/notes-app" || return 1
  environment=$(python_environment) || { skip notes-app "python3 with venv and the packages of requirements-dev.txt are needed (apt-get install python3-venv)"; return; }
  local pytest=(PYTHONDONTWRITEBYTECODE=1 "$environment/bin/pytest" -q -p no:cacheprovider)
  # What is skipped on SQLite is what the second run is for: only that one is counted, where it cannot be.
  suite "notes-app on SQLite" env -u DATABASE_URL "${pytest[@]}" -r fE
  if url=$(dev/postgres up "$work/postgres" 2> "$work/reason"); then
    suite "notes-app on PostgreSQL" env DATABASE_URL="$url" "${pytest[@]}"
    dev/postgres down "$work/postgres"
  else
    skip "notes-app on PostgreSQL" "$(tail -1 "$work/reason")"
  fi
}

node_service() {
  command -v node > /dev/null && command -v npm > /dev/null || { skip node-service "node and npm are not installed (apt-get install nodejs npm)"; return; }
  # A copy: the working directory gets no node_modules.
  cp -r "$project/examples/node-service" "$work/node-service" && cd "$work/node-service" || return 1
  npm ci --no-audit --no-fund --loglevel=error >&2 || { skip node-service "npm could not install its one dependency"; return; }
  suite node-service npm test --silent
}

notes_app
node_service
echo "passed $passed, skipped $skipped$([ $failed = 0 ] || echo ", failed $failed")"
[ $failed = 0 ]
