#!/bin/sh
# A nightly batch: what it did is pushed once, at the end, whether it went well or not.
#
#     PUSHGATEWAY=http://gateway:9091 nightly_etl.sh orders.csv warehouse.csv
set -eu
gateway=${PUSHGATEWAY:-http://127.0.0.1:9091}
source=$1
target=$2
started=$(date +%s)
rows=0

finish() {
  status=$?
  # PUT: the whole group is this run, nothing of the last one stays.
  # The last success is another group, so that a failed run does not take it away.
  curl --silent --show-error --fail --max-time 10 --request PUT --data-binary @- "$gateway/metrics/job/nightly_etl" <<EOF
# HELP etl_rows_written Rows that the last run wrote.
# TYPE etl_rows_written gauge
etl_rows_written $rows
# HELP etl_duration_seconds How long the last run took.
# TYPE etl_duration_seconds gauge
etl_duration_seconds $(($(date +%s) - started))
# HELP etl_exit_code Exit code of the last run.
# TYPE etl_exit_code gauge
etl_exit_code $status
EOF
  if [ "$status" -eq 0 ]; then
    curl --silent --show-error --fail --max-time 10 --data-binary @- "$gateway/metrics/job/nightly_etl/result/success" <<EOF
# HELP etl_last_success_timestamp_seconds When a run went well last.
# TYPE etl_last_success_timestamp_seconds gauge
etl_last_success_timestamp_seconds $(date +%s)
EOF
  fi
}
trap finish EXIT

grep -v '^#' "$source" | sort >"$target"
rows=$(wc -l <"$target")
