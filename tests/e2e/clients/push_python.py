"""prometheus_client; see README.md for the arguments."""

import sys
from urllib.error import HTTPError

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
from prometheus_client.exposition import delete_from_gateway, push_to_gateway, pushadd_to_gateway

step, job = sys.argv[1:3]
registry = CollectorRegistry()
if step == "push":
    Gauge("py_gauge", "A gauge", ["zone"], registry=registry).labels("eu \"west\"").set(1.5)
    Counter("py_jobs", "A counter", registry=registry).inc(3)
    histogram = Histogram("py_seconds", "A histogram", buckets=(0.1, 1), registry=registry)
    for value in (0.05, 0.5, 5):
        histogram.observe(value)
    Summary("py_bytes", "A summary", registry=registry).observe(10)
elif step == "add":
    Gauge("py_more", "Added", registry=registry).set(7)
elif step == "refused":
    Gauge("client_taken", "Taken", registry=registry).set(1)

for address in sys.argv[3:]:
    key = {"instance": "py/1", "empty": ""}
    try:
        if step == "push":
            push_to_gateway(address, job=job, registry=registry, grouping_key=key)
        elif step == "delete":
            delete_from_gateway(address, job=job, grouping_key=key)
        else:
            pushadd_to_gateway(address, job=job, registry=registry, grouping_key=key)
        print("ok")
    except HTTPError as error:
        print("refused:", error, error.read().decode().strip())
