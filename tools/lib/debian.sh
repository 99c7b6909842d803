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
