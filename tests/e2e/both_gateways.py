"""Sluice and the reference side by side, for tests that do the same to both and compare what is to be seen."""

import json
import re

from compare import pushed_lines, sort_groups
from gateway import Gateway
from reference import find_reference


class Both:
    """The two gateways; only sluice where the reference cannot be had, which counts as not run."""

    def __init__(self, checks, options, flags=()):
        self.checks = checks
        self.gateways = {"sluice": Gateway(options.binary, flags, backend=options.backend)}
        path, why = find_reference()
        if path is None:
            checks.skip("reference", why)
        else:
            self.gateways["reference"] = Gateway(path, flags)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for gateway in self.gateways.values():
            gateway.__exit__(kind, error, trace)

    def addresses(self):
        return ["127.0.0.1:%d" % gateway.port for gateway in self.gateways.values()]

    def mask(self, text):
        """What a client said, without the port."""
        for address in self.addresses():
            text = text.replace(address, "<ADDRESS>")
        return text

    def compare(self, *what):
        """Scrapes and JSON of both have to be equal but for times and orders; the lines of sluice's scrape."""
        scrapes = [sort_groups(pushed_lines(gateway.scrape().text)) for gateway in self.gateways.values()]
        for other in scrapes[1:]:
            self.checks.equal(*differing(scrapes[0], other), *what, "scrape of sluice and of the reference")
        answers = [api_groups(gateway) for gateway in self.gateways.values()]
        for other in answers[1:]:
            self.checks.equal(*differing(answers[0], other), *what, "JSON of sluice and of the reference")
        return scrapes[0]


def differing(first, second):
    """Both lists, or only what is not in both when they differ, to be readable."""
    if first == second or sorted(first) == sorted(second):
        return first, second
    return [one for one in first if one not in second], [one for one in second if one not in first]


def without_times(value):
    if isinstance(value, dict):
        return {key: "<TIME>" if key == "time_stamp" else without_times(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted((without_times(inner) for inner in value), key=json.dumps)
    return value


def api_groups(gateway):
    """The groups of /api/v1/metrics as sorted lines, one for each family, times masked."""
    lines = []
    for group in json.loads(gateway.request("GET", "/api/v1/metrics").text)["data"]:
        for name, family in group.items():
            text = json.dumps(without_times(family), sort_keys=True)
            if name in ("push_time_seconds", "push_failure_time_seconds"):
                text = re.sub(r'"value": "[^"]*[1-9][^"]*"', '"value": "<TIME>"', text)
            lines.append("%s %s: %s" % (json.dumps(group["labels"], sort_keys=True), name, text))
    return sorted(lines)
