# Sourced by every script in tools: where the tree is, how a script speaks and how it fails.
# shellcheck shell=bash disable=SC2034
set -euo pipefail

SLUICE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SLUICE_SCRIPT=${0##*/}

say() { printf '%s: %s\n' "$SLUICE_SCRIPT" "$*"; }

# One sentence on stderr, then exit 1: the only way in which a script here gives up.
die() {
  printf '%s: %s\n' "$SLUICE_SCRIPT" "$*" >&2
  exit 1
}

# Runs the rest of the line with a heading, so that a long log can be searched by step.
step() {
  printf '\n== %s (%s)\n' "$1" "$(date -u +%H:%M:%S)"
  shift
  "$@"
}
