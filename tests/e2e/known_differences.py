"""Cases of the outside collections whose outcome here differs, by id, each with its reason."""

ON_PURPOSE = {
    "poison-invalid-utf8-job": "difference 1: no push can break the scrape",
    "poison-invalid-utf8-base64": "difference 1: no push can break the scrape",
    "instance-rules": "difference 1: an empty instance in the key is the same group as none at all",
    "path-11": "difference 1: a grouping value that is not UTF-8 leaves no group behind",
    "path-16": "difference 1: a grouping value that is not UTF-8 leaves no group behind",
    "push-own-push-time": "difference 10: push_time_seconds and push_failure_time_seconds are always ours",
    "internal-names": "difference 4: go_* is not exposed here, so it cannot be collided with",
    "poison-unchecked": "difference 4: go_* is not exposed here, so it cannot be collided with",
    "reject-inconsistent": "difference 4: go_* is not exposed here, so it cannot be collided with",
    "pb-42": "at most 1024 labels of a series, in protobuf as in text",
    "route-23": "difference 5: no /debug/pprof",
}


def reason(case_id):
    """Why a case is not compared, or None."""
    return ON_PURPOSE.get(case_id)
