# The one table of what the tree needs and how each distribution calls it. "=" repeats the Debian 12 name, "-" means that
# the distribution has no such package and the tests that want it say so. Nothing here starts a service: nginx, Prometheus
# and the reference come from tools/peers and tools/reference, which unpack them under build/peers.
# shellcheck shell=bash

packages_table() {
  cat <<'EOT'
# need             scope  debian-12                debian-13      ubuntu-24.04  ubuntu-26.04
compiler           build  g++                      =              =             =
cmake              build  cmake                    =              =             =
ninja              build  ninja-build              =              =             =
pkg-config         build  pkgconf                  =              =             =
io_uring           build  liburing-dev             =              =             =
utf8-json          build  libsimdjson-dev          =              =             =
hashing            build  libxxhash-dev            =              =             =
http-framing       build  node-llhttp              libllhttp-dev  node-llhttp   libllhttp-dev
gzip               build  libisal-dev              =              =             =
snappy             build  libsnappy-dev            =              =             =
flags              build  libcli11-dev             =              =             =
logging            build  libspdlog-dev            =              =             =
formatting         build  libfmt-dev               =              =             =
protobuf           build  libprotozero-dev         =              =             =
tls                build  libssl-dev               =              =             =
bcrypt             build  libcrypt-dev             =              =             =
yaml               build  libyaml-cpp-dev          =              =             =
gtest              test   libgtest-dev             =              =             =
gmock              test   libgmock-dev             =              =             =
benchmark          test   libbenchmark-dev         =              =             =
zlib               test   zlib1g-dev               =              =             =
clang              test   clang-19                 =              =             =
clang-runtime      test   libclang-rt-19-dev       =              =             =
clang-linker       test   lld-19                   =              =             =
clang-tidy         test   clang-tidy-19            =              =             =
clang-format       test   clang-format-19          =              =             =
shellcheck         test   shellcheck               =              =             =
ccache             test   ccache                   =              =             =
git                test   git                      =              =             =
curl               test   curl                     =              =             =
certificates       test   openssl                  =              =             =
python             test   python3                  =              =             =
python-client      test   python3-prometheus-client  =            =             =
cpp-client         test   prometheus-cpp-dev       =              =             =
go                 test   golang-go                =              =             =
java               test   default-jdk-headless     =              =             =
java-packages      test   maven                    =              =             =
node               test   nodejs                   =              =             =
node-packages      test   npm                      =              =             =
browser            test   chromium                 =              -             -
test-clock         test   faketime                 =              =             =
load               test   wrk                      =              =             =
old-cpus           test   qemu-user                =              =             =
processes          test   procps                   =              =             =
faulty-disk        test   libfuse3-dev             =              =             =
mounting           test   fuse3                    =              =             =
file-systems       test   xfsprogs                 =              =             =
packages           test   dpkg-dev                 =              =             =
packages-judge     test   lintian                  =              =             =
packages-root      test   debootstrap              =              =             =
yaml-reader        test   python3-yaml             =              =             =
packager           package  dpkg-dev               =              =             =
packager-scripts   package  python3                =              =             =
distributions      roots  debootstrap              =              =             =
cross-compiler     arm64  g++-aarch64-linux-gnu    =              =             =
arm64-processor    arm64  qemu-user                =              =             =
arm64-scripts      arm64  python3                  =              =             =
arm64-client       arm64  curl                     =              =             =
EOT
}

# distribution [OS_RELEASE]: the column of the table that fits this machine, or nothing. Derivatives and later releases get
# the nearest column of their family; that is a guess, and setup says so.
distribution() {
  local file=${1:-${SLUICE_OS_RELEASE:-/etc/os-release}}
  [[ -r $file ]] || return 0
  (
    ID='' VERSION_ID='' ID_LIKE='' UBUNTU_CODENAME='' VERSION_CODENAME=''
    # shellcheck disable=SC1090
    . "$file"
    case "$ID:$VERSION_ID" in
      debian:12 | debian:13 | ubuntu:24.04 | ubuntu:26.04) printf '%s-%s\n' "$ID" "$VERSION_ID" ;;
      *)
        case " $ID $ID_LIKE " in
          *" ubuntu "*) [[ ${UBUNTU_CODENAME:-$VERSION_CODENAME} == noble ]] && echo ubuntu-24.04 || echo ubuntu-26.04 ;;
          *" debian "*) [[ $VERSION_CODENAME == bookworm ]] && echo debian-12 || echo debian-13 ;;
        esac
        ;;
    esac
  )
}

# packages_for DISTRIBUTION SCOPE: one package a line. test, arm64 and package include build, roots stands alone.
packages_for() {
  packages_table | awk -v distribution="$1" -v scope="$2" '
    $1 == "#" { for (i = 4; i <= NF; i++) if ($i == distribution) column = i - 1; next }
    !column { next }
    $2 == scope || ((scope == "test" || scope == "arm64" || scope == "package") && $2 == "build") {
      name = $column
      if (name == "=") name = $3
      if (name != "-") print name
    }'
}

# missing_packages PACKAGE...: those that dpkg neither lists as installed nor as provided by an installed one, which is how
# the packages of Node's makers bring npm.
missing_packages() {
  local installed package
  installed=$(
    {
      dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "$@"
      dpkg-query --show --showformat='${db:Status-Status} ${Provides}\n' | sed 's/([^)]*)//g; s/,/ /g'
    } 2>/dev/null | awk '$1 == "installed" { for (i = 2; i <= NF; i++) print $i }'
  ) || true
  for package in "$@"; do
    grep --quiet --line-regexp --fixed-strings -- "$package" <<<"$installed" || printf '%s\n' "$package"
  done
}
