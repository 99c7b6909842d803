# Running ctest on several presets and telling the outcome once, at the end.
# shellcheck shell=bash

# Labels of tests that run in the debug preset only.
# shellcheck disable=SC2034 # used by tools/test
ONCE_LABELS='^(tools|once)$'

# Names of tests, for tools/test --all: those that run on both backends and with a sanitizer, and the long ones in which
# threads meet no more often than in others.
# shellcheck disable=SC2034 # used by tools/test
ON_IO_URING='^(e2e_.*|durability_.*|hostile_(reference_bugs|smuggling|http1_cases|large_requests|slow_clients|[a-z]+_floods))_io_uring$'
# shellcheck disable=SC2034
ON_EPOLL='_epoll$'
# shellcheck disable=SC2034
WITHOUT_THREADS='^core_wal_log_model$|^durability_(torn|fsync_fails|powercut|disk_full|vanish|bitrot|steps|migrate|upgrade|lock)|^hostile_(reference|smuggling|http1|large|slow|tls)|^e2e_(web_config|auth|groups_api|differences|native|moving|encodings|repeats|http_cases|push_results)'

ctest_total=0
ctest_failed=()
ctest_not_run=()
ctest_alone=()

# What a sanitizer prints; a test that failed with one of these is never given a second try.
SANITIZER_REPORT='(WARNING|ERROR): (Thread|Address|Leak|Memory|UndefinedBehavior)Sanitizer|runtime error: '

# run_ctest PRESET [CTEST_ARGUMENT...]: counts, and remembers what failed and what was not run; a kernel that is forced upon
# the tests is named with the preset.
#
# The machine that runs this may be busy, and a test that starts real servers can lose a race against the scheduler. A
# failed test without a sanitizer's report is therefore run once more with nothing beside it; if it passes, it is named in
# the summary as one that passed only alone, so that it can be repaired instead of being forgotten.
run_ctest() {
  local preset=$1 folder="$SLUICE_ROOT/build/$1" log names name
  local shown=$preset${SLUICE_FORCE_KERNEL:+, $SLUICE_FORCE_KERNEL kernel}
  shift
  local arguments=(--test-dir "$folder" --output-on-failure --no-tests=error --timeout 600)
  log="$folder/Testing/Temporary/LastTest.log"
  rm -rf "$folder/Testing/Temporary"
  if [[ $preset == asan ]]; then
    export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
    export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
  elif [[ $preset == tsan ]]; then
    export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}
  fi
  local status=0
  # One more than there are cores: many tests wait for deadlines. All of debug takes a fifth less time so.
  ctest "${arguments[@]}" --parallel "$(($(usable_cores) + 1))" "$@" || status=$?
  [[ -r $log ]] || die "ctest did not run in build/$preset (exit $status)"
  collect_not_run "$shown" "$log"
  local count
  count=$(grep --count --extended-regexp '^[0-9]+/[0-9]+ Testing: ' "$log" || true)
  ctest_total=$((ctest_total + count))
  ((status == 0)) && return 0
  names=$(failed_names "$folder")
  if [[ -z $names ]]; then
    ctest_failed+=("$shown: ctest itself (exit $status)")
    return 0
  fi
  if grep --quiet --extended-regexp "$SANITIZER_REPORT" "$log"; then
    while IFS= read -r name; do ctest_failed+=("$shown: $name"); done <<<"$names"
    return 0
  fi
  say "running what failed once more, one at a time"
  status=0
  ctest "${arguments[@]}" --rerun-failed || status=$?
  local still=''
  ((status == 0)) || still=$(failed_names "$folder")
  while IFS= read -r name; do
    if grep --quiet --line-regexp --fixed-strings -- "$name" <<<"$still"; then
      ctest_failed+=("$shown: $name")
    else
      ctest_alone+=("$shown: $name")
    fi
  done <<<"$names"
}

failed_names() { sed 's/^[0-9]*://' "$1/Testing/Temporary/LastTestsFailed.log" 2>/dev/null || true; }

collect_not_run() {
  local line
  while IFS= read -r line; do
    ctest_not_run+=("$1: ${line#*NOT RUN: }")
  done < <(grep --text --extended-regexp '^(\[[^]]*\] *)?NOT RUN: .' "$2" | sort --unique || true)
}

# expected_not_run NAME: whether tests/not-run.txt names it (lines of "pattern: reason", a shell pattern).
expected_not_run() {
  local pattern
  while IFS= read -r pattern; do
    [[ $pattern == *:* && $pattern != \#* ]] || continue
    pattern=${pattern%%:*}
    # shellcheck disable=SC2053 # a pattern on purpose
    [[ $1 == $pattern ]] && return 0
  done <"$SLUICE_ROOT/tests/not-run.txt"
  return 1
}

# finish: the lines that must not be lost in a long log, then one summary in ctest's words over all presets.
finish() {
  local line name passed
  printf '\n'
  for line in "${ctest_alone[@]}"; do printf 'PASSED ONLY ALONE: %s\n' "$line"; done
  for line in "${ctest_not_run[@]}"; do
    printf 'NOT RUN: %s\n' "$line"
    name=${line#*: }
    name=${name%%: *}
    if [[ ${SLUICE_REQUIRE_ALL:-0} == 1 ]] && ! expected_not_run "$name"; then
      ctest_failed+=("${line%%: *}: $name was not run, and tests/not-run.txt does not name it")
      ctest_total=$((ctest_total + 1))
    fi
  done
  for line in "${ctest_failed[@]}"; do printf 'FAILED: %s\n' "$line"; done
  ((${#ctest_failed[@]} > 0)) || ((ctest_total > 0)) || ctest_failed+=("no test was run")
  passed=$((ctest_total - ${#ctest_failed[@]}))
  printf '\n%d%% tests passed, %d tests failed out of %d\n' \
    $((ctest_total > 0 ? passed * 100 / ctest_total : 0)) ${#ctest_failed[@]} "$ctest_total"
  ((${#ctest_failed[@]} == 0))
}
