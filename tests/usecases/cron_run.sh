#!/bin/sh
# Runs a command from cron and pushes when it ran, how long, and how it ended. In the crontab:
#
#     PUSHGATEWAY=http://gateway:9091
#     17 3 * * *  cron_run.sh backup  rsync -a /srv/ backup:/srv/
#
# The group is the job and the machine, so each run replaces the one before.
set -u
gateway=${PUSHGATEWAY:-http://127.0.0.1:9091}
job=$1
shift
started=$(date +%s)
"$@"
status=$?
curl --silent --show-error --fail --max-time 10 --request PUT --data-binary @- \
  "$gateway/metrics/job/$job/instance/${HOSTNAME:-$(hostname)}" <<EOF
# HELP cron_last_run_timestamp_seconds When the command ended last.
# TYPE cron_last_run_timestamp_seconds gauge
cron_last_run_timestamp_seconds $(date +%s)
# HELP cron_duration_seconds How long it took.
# TYPE cron_duration_seconds gauge
cron_duration_seconds $(($(date +%s) - started))
# HELP cron_exit_code Its exit code.
# TYPE cron_exit_code gauge
cron_exit_code $status
EOF
exit $status
