# Debian's archive as this machine reaches it.
# shellcheck shell=bash

# The mirror that this machine's apt uses, so that a machine behind a mirror of its own works too.
debian_mirror() {
  local found=''
  found=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | grep -E '/debian/?$' | head -n 1) || true
  printf '%s\n' "${found:-http://deb.debian.org/debian}"
}

# debian_suite DISTRIBUTION: the archive's name of a column of the table of packages; fails for what is not Debian.
debian_suite() {
  case $1 in
    debian-12) echo bookworm ;;
    debian-13) echo trixie ;;
    *) return 1 ;;
  esac
}

# debian_base DISTRIBUTION: makes the minimal root of a Debian in build/distros, once, and prints its path. Needs root. A run
# works in a copy of it.
debian_base() {
  local name=$1 base="$SLUICE_ROOT/build/distros/$1.base" suite
  suite=$(debian_suite "$name") || die "no recipe for '$name' (debian-12, debian-13)"
  mkdir -p "${base%/*}"
  (
    # Two tests may ask at the same time; one of them works, the other waits.
    flock 9
    [[ ! -e $base/.complete ]] || exit 0
    rm -rf "$base"
    say "$name: debootstrap from $(debian_mirror)" >&2
    debootstrap --variant=minbase "$suite" "$base" "$(debian_mirror)" >"${base%.base}.debootstrap.log" 2>&1 ||
      die "$name: debootstrap failed, see build/distros/$name.debootstrap.log"
    touch "$base/.complete"
  ) 9>"$base.lock" || return 1
  printf '%s\n' "$base"
}

# copy_apt_settings ROOT SUITE: the mirrors of that suite, reached as this machine reaches its own.
copy_apt_settings() {
  local root=$1 suite=$2
  printf 'deb %s %s main\ndeb %s %s-updates main\n' "$(debian_mirror)" "$suite" "$(debian_mirror)" "$suite" >"$root/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(http|https|ftp)::|^Acquire::(Check-Valid-Until|Check-Date|https?::Proxy)' \
    >"$root/etc/apt/apt.conf.d/99-as-outside" || true
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  mkdir -p "$root/etc/ssl/certs"
}
