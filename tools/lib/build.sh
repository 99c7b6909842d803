# Configuring and building one preset, shared by tools/build, tools/test and tools/check.
# shellcheck shell=bash
. "$SLUICE_ROOT/tools/lib/jobs.sh"

# ccache fails the compilation when it cannot write its folder (a user without a home, say), so it is switched off then.
# The base folder makes two clones of the tree share their results.
prepare_ccache() {
  local folder=${CCACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ccache}
  export CCACHE_BASEDIR=$SLUICE_ROOT CCACHE_NOHASHDIR=1
  # What it has to be told before it trusts precompiled headers; no source asks for the time of its compilation.
  export CCACHE_SLOPPINESS=pch_defines,time_macros
  if ! { mkdir -p "$folder" && [[ -w $folder ]]; } 2>/dev/null; then
    export CCACHE_DISABLE=1
  fi
}

# configure PRESET [CMAKE_ARGUMENT...]
configure() {
  local preset=$1 folder="$SLUICE_ROOT/build/$1" home
  shift
  if [[ -e $folder/CMakeCache.txt ]]; then
    # A tree that was moved or copied brings a cache that points to its old place; CMake refuses it.
    home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$folder/CMakeCache.txt")
    if [[ $home != "$SLUICE_ROOT" ]]; then
      say "build/$preset was made for $home, starting it anew"
      rm -rf "$folder"
    fi
  fi
  if [[ -e $folder && ! -w $folder ]]; then
    die "build/$preset belongs to $(stat --format=%U "$folder"), so this user cannot build there; remove it or work as that user"
  fi
  (cd "$SLUICE_ROOT" && cmake --preset "$preset" -Wno-dev --log-level=NOTICE "$@")
}

# build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1
  shift
  local targets=()
  (($# > 0)) && targets=(--target "$@")
  cmake --build "$SLUICE_ROOT/build/$preset" --parallel "$(build_jobs)" "${targets[@]}"
}
