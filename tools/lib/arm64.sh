# The arm64 build: made by a cross compiler against a folder of Debian's arm64 libraries, run by qemu-aarch64.
#
# The libraries are downloaded by an apt with a state of its own and unpacked under build/arm64-root. This machine's apt and
# dpkg never hear of arm64: no foreign architecture is added, and nothing of it is installed.
# shellcheck shell=bash
. "$SLUICE_ROOT/tools/lib/packages.sh"
. "$SLUICE_ROOT/tools/lib/debian.sh"

arm64_root="$SLUICE_ROOT/build/arm64-root"
arm64_state="$SLUICE_ROOT/build/arm64-apt"

ARM64_QUICK=(parser_simd_kernel_test parser_text_fast_test)

# Prints why this machine cannot build for arm64 this way, or nothing.
arm64_impossible() {
  local machine
  machine=$(uname -m)
  if [[ $machine != x86_64 ]]; then
    echo "this machine is $machine, and the cross compiler is one for x86_64"
  elif ! debian_suite "$(distribution)" >/dev/null; then
    echo "the arm64 libraries come from Debian's archive, and this machine is not a Debian"
  fi
}

# The packages of the libraries, with the names that this distribution has for them.
arm64_libraries() {
  packages_for "$(distribution)" build | grep --extended-regexp --line-regexp 'lib.*-dev|node-llhttp'
  printf '%s\n' libgtest-dev libgmock-dev zlib1g-dev
}

arm64_source() {
  local keys=/usr/share/keyrings/debian-archive-keyring.gpg options=arch=arm64
  [[ ! -r $keys ]] || options+=" signed-by=$keys"
  printf 'deb [%s] %s %s main\n' "$options" "$(debian_mirror)" "$(debian_suite "$(distribution)")"
}

# arm64_apt LOG ARGUMENT...: apt-get as a machine without a single package would run it, and that machine is an arm64 one.
arm64_apt() {
  local log=$1
  shift
  LC_ALL=C apt-get -o Dir::State="$arm64_state/state" -o Dir::State::status="$arm64_state/status" \
    -o Dir::Cache="$arm64_state/cache" -o Dir::Etc::SourceList="$arm64_state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=root -o Acquire::Languages=none \
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o Acquire::Retries=3 --quiet "$@" </dev/null >"$log" 2>&1 ||
    die "the arm64 libraries cannot be downloaded: $(grep --extended-regexp '^[EW]: ' "$log" | tail -n 1)"
}

# Makes build/arm64-root, once for each list of packages.
make_arm64_root() {
  local libraries=() sources=() package made_of archives="$arm64_state/cache/archives" log="$arm64_state/apt.log"
  while IFS= read -r package; do
    # node-llhttp is C sources, and what it depends on is Node.
    if [[ $package == node-llhttp ]]; then sources+=("$package"); else libraries+=("$package"); fi
  done < <(arm64_libraries)
  made_of="$(arm64_source): ${libraries[*]} ${sources[*]}"
  if [[ -r $arm64_root/.made-of && $(<"$arm64_root/.made-of") == "$made_of" ]]; then
    say "build/arm64-root is there"
    return 0
  fi
  rm -rf "$arm64_root" "$arm64_state"
  mkdir -p "$arm64_root" "$arm64_state/state/lists/partial" "$archives/partial"
  : >"$arm64_state/status"
  arm64_source >"$arm64_state/sources.list"
  arm64_apt "$log" update
  arm64_apt "$log" install --download-only --yes --no-install-recommends "${libraries[@]}"
  ((${#sources[@]} == 0)) || (cd "$archives" && arm64_apt "$log" download "${sources[@]}")
  for package in "$archives"/*.deb; do
    dpkg-deb --extract "$package" "$arm64_root"
  done
  arm64_relink
  printf '%s\n' "$made_of" >"$arm64_root/.made-of"
  say "build/arm64-root has the arm64 libraries of $(find "$archives" -name '*.deb' -printf . | wc -c) packages"
}

# Links to absolute paths mean this folder from now on; where /lib has moved to /usr/lib, the program loader is still
# asked for by its old name.
arm64_relink() {
  local link
  while IFS= read -r -d '' link; do
    ln --symbolic --no-dereference --relative --force "$arm64_root$(readlink "$link")" "$link"
  done < <(find "$arm64_root" -type l -lname '/*' -print0)
  [[ -e $arm64_root/lib ]] || ln --symbolic usr/lib "$arm64_root/lib"
}

# arm64_tests KERNEL [CTEST_ARGUMENT...]: what is built of build/arm64, with this kernel.
arm64_tests() {
  local kernel=$1
  shift
  SLUICE_FORCE_KERNEL=$kernel step "tests of build/arm64 with the $kernel kernel" run_ctest arm64 "$@"
}

# The short form, which tools/test --all runs too: NEON against the scalar kernel, and the parser on each of them.
arm64_quick() {
  local names kernel
  names=$(IFS='|' && echo "${ARM64_QUICK[*]}")
  step "arm64 libraries" make_arm64_root
  step "configure build/arm64" configure arm64
  step "build build/arm64 with $(build_jobs) jobs" build_preset arm64 "${ARM64_QUICK[@]}"
  for kernel in neon scalar; do
    arm64_tests "$kernel" --tests-regex "^($names)\$"
  done
}
