"""Pushes, adds and deletes with prometheus_client. Arguments: the gateway's host:port, then the step."""

import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
from prometheus_client.exposition import delete_from_gateway, push_to_gateway, pushadd_to_gateway

gateway, step = sys.argv[1], sys.argv[2]
registry = CollectorRegistry()
key = {"instance": "py/1", "empty": ""}
if step == "push":
    Gauge("py_gauge", "A gauge", ["zone"], registry=registry).labels("eu \"west\"").set(1.5)
    Counter("py_jobs", "A counter", registry=registry).inc(3)
    histogram = Histogram("py_seconds", "A histogram", buckets=(0.1, 1), registry=registry)
    for value in (0.05, 0.5, 5):
        histogram.observe(value)
    Summary("py_bytes", "A summary", registry=registry).observe(10)
    push_to_gateway(gateway, job="py", registry=registry, grouping_key=key)
elif step == "add":
    Gauge("py_more", "Added", registry=registry).set(7)
    pushadd_to_gateway(gateway, job="py", registry=registry, grouping_key=key)
elif step == "delete":
    delete_from_gateway(gateway, job="py", grouping_key=key)
