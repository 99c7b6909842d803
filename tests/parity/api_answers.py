"""Two JSON answers of the API compared: times masked, groups in one order."""

import json

ZERO_TIME = "0001-01-01T00:00:00Z"
PUSH_TIMES = ("push_time_seconds", "push_failure_time_seconds")
# Of /api/v1/status: what a server says of its own build, and where it listens.
OWN_FLAGS = ("web.listen-address",)


def masked_group(group):
    out = {}
    for name, value in group.items():
        if isinstance(value, dict) and "metrics" in value:
            value = dict(value, time_stamp=value["time_stamp"] if value["time_stamp"] == ZERO_TIME else "<TIME>")
            if name in PUSH_TIMES:
                value["metrics"] = [
                    dict(metric, value="0" if metric.get("value") == "0" else "<TIME>") for metric in value["metrics"]
                ]
        out[name] = value
    return out


def masked(answer):
    """The answer with what is random or a time taken out."""
    data = answer.get("data")
    if isinstance(data, list):
        groups = sorted(
            (masked_group(group) for group in data), key=lambda group: json.dumps(group.get("labels"), sort_keys=True)
        )
        return dict(answer, data=groups)
    if isinstance(data, dict) and "flags" in data:
        flags = {name: value for name, value in data["flags"].items() if name not in OWN_FLAGS}
        return dict(
            answer, data=dict(data, flags=flags, start_time="<TIME>", build_information=sorted(data["build_information"]))
        )
    return answer


def differing(theirs, mine, where=""):
    """Paths whose values differ, as (path, reference, ours)."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        for name in sorted(set(theirs) | set(mine)):
            # Flags of our own are no difference: every flag of the reference is there.
            if where == ".data.flags" and name not in theirs:
                continue
            yield from differing(theirs.get(name), mine.get(name), "%s.%s" % (where, name))
    elif isinstance(theirs, list) and isinstance(mine, list) and len(theirs) == len(mine):
        for number, (one, other) in enumerate(zip(theirs, mine)):
            yield from differing(one, other, "%s[%d]" % (where, number))
    elif theirs != mine:
        yield where, theirs, mine


def in_one_order(answer):
    """The metrics of each family sorted: the reference keeps them as they were pushed, we as they are scraped."""
    for group in answer["data"] if isinstance(answer.get("data"), list) else ():
        for value in group.values():
            if isinstance(value, dict) and "metrics" in value:
                value["metrics"] = sorted(value["metrics"], key=lambda metric: json.dumps(metric, sort_keys=True))
    return answer


def compare(theirs, mine):
    """Differences as (path, reference, ours), and what was left out."""
    try:
        one, other = masked(json.loads(theirs)), masked(json.loads(mine))
        if not list(differing(one, other)):
            return [], []
        found = list(differing(in_one_order(one), in_one_order(other)))
        return found, [] if found else ["order in the API"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [("that cannot be read: %s" % error, theirs[:300], mine[:300])], []
