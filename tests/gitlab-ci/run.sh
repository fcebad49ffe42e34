#!/usr/bin/env bash
# run.sh BINARIES [gitlab-ci-local's arguments…]
#
# Runs examples/notes-app/.gitlab-ci.yml as GitLab would: from a bare repository that holds this project's committed examples/notes-app,
# through a fresh clone, with notes-build and notes-deploy of the directory BINARIES on PATH and no other program of ours.
#
#   DOCKERHUB_USERNAME DOCKERHUB_PASSWORD KUBECONFIG   the three variables of the pipeline; required
#   NOTES_IMAGE                                        where to push, when that is not Docker Hub
#   NOTES_MIRRORS NOTES_INSECURE_REGISTRIES …          reach the jobs as a runner's own environment does
#
# On stdout: the pinned image that was deployed. Everything else is on stderr. Exit status: that of the pipeline. When something is
# missing on this machine, one line `SKIPPED gitlab-ci: …` and status 0.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
fail() { echo "run.sh: $*" >&2; exit 1; }
skip() { echo "SKIPPED gitlab-ci: $*" >&2; exit 0; }

[ $# -ge 1 ] || { sed -n '2p' "${BASH_SOURCE[0]}" >&2; exit 2; }
binaries=$(cd "$1" && pwd); shift
for program in notes-build notes-deploy; do [ -x "$binaries/$program" ] || fail "$binaries/$program is not there"; done
for name in DOCKERHUB_USERNAME DOCKERHUB_PASSWORD KUBECONFIG; do [ -n "${!name:-}" ] || fail "$name is not set"; done
for program in node npm git rsync; do command -v "$program" > /dev/null || skip "$program is not installed (apt-get install nodejs npm git rsync)"; done
major=$(node --version | sed -E 's/^v([0-9]+).*/\1/')
[ "$major" -ge 18 ] || skip "gitlab-ci-local needs Node 18 or later; this is $(node --version)"

work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

# The runner, installed once for each version of its lock file. Moved into place whole: a killed npm leaves nothing half.
lock=$(sha256sum "$here/package-lock.json" | cut -c1-12)
runner=${XDG_CACHE_HOME:-$HOME/.cache}/notes-dev/gitlab-ci-local/$lock
if [ ! -d "$runner" ]; then
  echo "run.sh: installing gitlab-ci-local from npm, once" >&2
  mkdir -p "$(dirname "$runner")"
  new=$(mktemp -d "$(dirname "$runner")/.new-XXXXXX")
  cp "$here/package.json" "$here/package-lock.json" "$new/"
  npm ci --prefix "$new" --no-audit --no-fund --loglevel=error >&2 || { rm -rf "$new"; skip "npm could not install gitlab-ci-local"; }
  mv -T "$new" "$runner" 2> /dev/null || rm -rf "$new"
fi

# The commit, with fixed author and time, so that the same files are the same commit and the same image.
git() { command git -c init.defaultBranch=main -c safe.directory='*' -c commit.gpgsign=false "$@"; }
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=Ann GIT_AUTHOR_EMAIL=ann@example.com GIT_AUTHOR_DATE='2026-01-01T12:00:00Z'
export GIT_COMMITTER_NAME=Ann GIT_COMMITTER_EMAIL=ann@example.com GIT_COMMITTER_DATE='2026-01-01T12:00:00Z'
mkdir "$work/source"
git -C "$project" archive HEAD:examples/notes-app | tar -x -C "$work/source"
git -C "$work/source" init --quiet
git -C "$work/source" add --all
git -C "$work/source" commit --quiet --message "notes-app"
git clone --quiet --bare "$work/source" "$work/notes-app.git"
git clone --quiet "$work/notes-app.git" "$work/clone"
# The runner derives GitLab's variables from the remote's address and wants one that a server could have.
git -C "$work/clone" remote set-url origin https://gitlab.example.com/ann/notes-app.git

# Variables of the project's CI/CD settings: in a file that is the runner's alone, not in arguments that `ps` shows.
mkdir -m 700 "$work/home" "$work/home/.gitlab-ci-local"
umask 077
{
  echo 'project: {}'
  echo 'group: {}'
  echo 'global:'
  for name in DOCKERHUB_USERNAME DOCKERHUB_PASSWORD KUBECONFIG; do
    printf '  %s: %s\n' "$name" "$(node -p 'JSON.stringify(process.env[process.argv[1]])' "$name")"
  done
} > "$work/home/.gitlab-ci-local/variables.yml"
umask 022
overrides=()
[ -z "${NOTES_IMAGE:-}" ] || overrides=(--variable "NOTES_IMAGE=$NOTES_IMAGE")

# The secrets come from the file above; a job that saw them only because run.sh has them would prove nothing.
status=0
(cd "$work/clone" && env -u DOCKERHUB_USERNAME -u DOCKERHUB_PASSWORD -u KUBECONFIG PATH="$binaries:$PATH" \
  "$runner/node_modules/.bin/gitlab-ci-local" --force-shell-executor --home "$work/home" --state-dir .gitlab-ci-local \
  --no-color "${overrides[@]}" "$@") > "$work/log" 2>&1 || status=$?
cat "$work/log" >&2
for name in DOCKERHUB_PASSWORD KUBECONFIG; do
  if grep -qF -- "$(head -1 <<< "${!name}")" "$work/log"; then
    # A path is no secret, and names itself in messages.
    [ -e "${!name}" ] || fail "the log of the pipeline shows $name"
  fi
done
[ "$status" = 0 ] || exit "$status"
sed -n 's/^NOTES_BUILD_REF=//p' "$work/clone/notes-build.env"
