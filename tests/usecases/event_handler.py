"""A handler of events that lives for a while: it counts for itself and pushes its counters after each event, on one
connection that is kept.

    producer | event_handler.py PARTITION

POST, so that families which others push to the same group stay. The counters begin at 0 with each start of the handler,
which rate() understands. At the end of the stream the group is deleted: a partition that moves to another handler is then
not shown twice.
"""

import base64
import http.client
import json
import os
import sys
import urllib.parse


class Counters:
    def __init__(self, partition):
        gateway = urllib.parse.urlsplit(os.environ.get("PUSHGATEWAY", "http://127.0.0.1:9091"))
        self.connection = http.client.HTTPConnection(gateway.hostname, gateway.port or 80, timeout=10)
        # A slash in a value would split the path even as %2F, so a foreign value travels in base64.
        encoded = base64.urlsafe_b64encode(partition.encode()).decode().rstrip("=")
        self.path = "/metrics/job/order_events/partition@base64/" + (encoded or "=")
        self.handled = {}

    def send(self, method, body=None):
        try:
            answer = self.exchange(method, body)
        except (ConnectionError, http.client.HTTPException):
            # The gateway, or something on the way, has closed the connection since the last event. Both requests may come
            # twice without harm.
            self.connection.close()
            answer = self.exchange(method, body)
        with answer:
            text = answer.read()
            if answer.status >= 300:
                print("the gateway answered %d: %s" % (answer.status, text.decode()), file=sys.stderr)

    def exchange(self, method, body):
        self.connection.request(method, self.path, body)
        return self.connection.getresponse()

    def count(self, kind):
        self.handled[kind] = self.handled.get(kind, 0) + 1
        lines = ["# HELP events_handled_total Events since the handler's start.", "# TYPE events_handled_total counter"]
        # A kind is foreign text: a quote or a backslash in it must not end the label.
        lines += ["events_handled_total{kind=%s} %d" % (json.dumps(kind, ensure_ascii=False), count)
                  for kind, count in self.handled.items()]
        self.send("POST", ("\n".join(lines) + "\n").encode())


def main():
    counters = Counters(sys.argv[1])
    for line in sys.stdin:
        counters.count(json.loads(line)["kind"])
        print("handled", flush=True)
    counters.send("DELETE")


if __name__ == "__main__":
    main()
