# A Go that can build the reference and the Go client. What PATH has is taken if it is new enough; an older one, such as
# Debian 12's or one that must not change its own toolchain, fetches a newer toolchain as the module golang.org/toolchain,
# which Go checks against its checksum database and this script against the sum below. It is unpacked under build/peers.
# shellcheck shell=bash

go_oldest=1.25 # what the reference's go.mod asks for
go_fetched=1.25.5
go_fetched_sum='h1:IkknVKy/4hLMR+ZwWfP4Oqhjz2sKqNtEXz1meP8P3Nc='

at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort --version-sort | head -n 1) == "$2" ]]; }

# Outside of any module, so that no go.mod makes Go look for another toolchain.
go_version() { (cd / && GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null | sed 's/^go//') || true; }

# find_go PEERS_FOLDER: prints the path of the program, or dies with one sentence.
find_go() {
  local peers=$1 folder="$1/go-$go_fetched" here
  here=$(command -v go) || die "building it needs Go, and there is no go in PATH (tools/setup test installs one)"
  if at_least "$(go_version "$here")" "$go_oldest"; then
    printf '%s\n' "$here"
    return 0
  fi
  mkdir -p "$peers"
  exec 8>"$peers/.go-lock"
  flock 8
  [[ -x $folder/bin/go ]] || fetch_go "$peers" "$folder" "$here"
  exec 8>&-
  printf '%s\n' "$folder/bin/go"
}

# fetch_go PEERS_FOLDER FOLDER OLD_GO
fetch_go() {
  local peers=$1 folder=$2 old=$3 cache="$1/go-download" log="$1/go.log" answer source sum
  answer=$(cd / && GOTOOLCHAIN=local GOFLAGS='' GOMODCACHE="$cache" "$old" mod download -json \
    "golang.org/toolchain@v0.0.1-go$go_fetched.linux-amd64" 2>"$log") || true
  source=$(sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p' <<<"$answer")
  sum=$(sed -n 's/^\t"Sum": "\(.*\)",\{0,1\}$/\1/p' <<<"$answer")
  [[ -d $source ]] || die "Go $(go_version "$old") is older than $go_oldest, and Go $go_fetched cannot be downloaded: $(
    { sed -n 's/^\t"Error": "\(.*\)",\{0,1\}$/\1/p' <<<"$answer"; grep -v '^$' "$log"; } | tail -n 1)"
  # Modules are unpacked for reading only, and no file of theirs may be run.
  chmod --recursive u+w "$cache"
  if [[ $sum != "$go_fetched_sum" ]]; then
    rm -rf "$cache"
    die "Go $go_fetched as downloaded has the sum '$sum', and $go_fetched_sum is the one that is known"
  fi
  chmod +x "$source"/bin/* "$source"/pkg/tool/*/*
  rm -rf "$folder"
  mv "$source" "$folder"
  rm -rf "$cache"
}
