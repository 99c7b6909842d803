#!/bin/sh
# One step of a CI pipeline pushes what it measured; Jenkinsfile and gitlab-ci.yml call it.
#
#     ci_metrics.sh PIPELINE BRANCH STAGE SECONDS RESULT
#
# The key is what is the same in each run: pipeline, branch, stage. The number of the build is not part of it, or every
# build would leave a group behind for ever. A branch has slashes, so it travels in base64.
set -eu
gateway=${PUSHGATEWAY:-http://127.0.0.1:9091}
pipeline=$1 branch=$2 stage=$3 seconds=$4 result=$5
base64url() { printf '%s' "$1" | base64 | tr -d '\n=' | tr '+/' '-_'; }

success=0
[ "$result" = success ] && success=1
curl --silent --show-error --fail --max-time 10 --request PUT --data-binary @- \
  "$gateway/metrics/job/ci/pipeline@base64/$(base64url "$pipeline")/branch@base64/$(base64url "$branch")/stage/$stage" <<EOF
# HELP ci_stage_duration_seconds How long the last run of the stage took.
# TYPE ci_stage_duration_seconds gauge
ci_stage_duration_seconds $seconds
# HELP ci_stage_success Whether the last run of the stage went well.
# TYPE ci_stage_success gauge
ci_stage_success $success
EOF
