"""The endpoints of our own below /api/v1/: lists, filters, orders and cursors; one group, paged; jobs, figures, refused
pushes; deletion of what matches; every answer checked against the description that the gateway serves."""

import json
import re
import signal
import tempfile
import urllib.parse

from api import CLASSIC, NATIVE, PLAIN, PROTOBUF
from gateway import Checks, Gateway, Reader, arguments, make_request, read_response

ADMIN = "--web.enable-admin-api"


# ---- The description ---------------------------------------------------------------------------------------------

class Description:
    """As much of JSON Schema as openapi.json uses; a keyword that it does not know is an error."""

    KNOWN = {"$ref", "type", "properties", "required", "additionalProperties", "items", "enum", "minimum", "maximum", "oneOf",
             "pattern", "format", "description", "default", "maxLength"}

    def __init__(self, document):
        self.document = document

    def errors(self, schema, value, where="$"):
        unknown = set(schema) - self.KNOWN
        if unknown:
            return ["%s: keywords %s" % (where, unknown)]
        if "$ref" in schema:
            target = self.document
            for part in schema["$ref"].split("/")[1:]:
                target = target[part]
            return self.errors(target, value, where)
        if "oneOf" in schema:
            fits = [one for one in schema["oneOf"] if not self.errors(one, value, where)]
            return [] if len(fits) == 1 else ["%s: fits %d of oneOf: %r" % (where, len(fits), value)]
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if types and self.type_of(value) not in types and not (self.type_of(value) == "integer" and "number" in types):
            return ["%s: is a %s: %r" % (where, self.type_of(value), value)]
        found = []
        if "enum" in schema and value not in schema["enum"]:
            found.append("%s: %r is none of %r" % (where, value, schema["enum"]))
        if "minimum" in schema and value < schema["minimum"]:
            found.append("%s: %r is too small" % (where, value))
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append("%s: %r does not match" % (where, value))
        if schema.get("format") == "date-time" and isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$", value):
            found.append("%s: %r is no time" % (where, value))
        if isinstance(value, list) and "items" in schema:
            for index, item in enumerate(value):
                found += self.errors(schema["items"], item, "%s[%d]" % (where, index))
        if isinstance(value, dict):
            properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
            found += ["%s: has no %s" % (where, name) for name in schema.get("required", []) if name not in value]
            for name, item in value.items():
                if name in properties:
                    found += self.errors(properties[name], item, where + "." + name)
                elif more is False:
                    found.append("%s: has %s" % (where, name))
                elif isinstance(more, dict):
                    found += self.errors(more, item, where + "." + name)
        return found

    @staticmethod
    def type_of(value):
        if value is None:
            return "null"
        return {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}[type(value)]

    def response(self, method, path, status):
        operation = self.document["paths"][path][method.lower()]
        return operation["responses"][str(status)]["content"], {one["name"] for one in operation.get("parameters", [])}


class Api:
    """Requests whose answers are held against the description."""

    def __init__(self, checks, gateway, prefix=""):
        self.checks, self.gateway, self.prefix = checks, gateway, prefix
        answer = gateway.request("GET", prefix + "/api/v1/openapi.json")
        checks.equal(answer.status, 200, "the description")
        self.description = Description(json.loads(answer.body))

    def call(self, method, path, parameters=(), status=200, headers=(), template=None):
        target = self.prefix + "/api/v1" + path + ("?" + urllib.parse.urlencode(list(parameters)) if parameters else "")
        answer = self.gateway.request(method, target, headers=headers)
        where = "%s %s" % (method, target)
        self.checks.equal(answer.status, status, where, answer.text[:300])
        content, known = self.description.response(method, "/api/v1" + (template or path), answer.status)
        self.checks.that(all(name in known for name, _ in parameters) or status == 400, where, "parameters in the description")
        kind = answer.header("Content-Type")
        self.checks.that(kind in content, where, "media type", kind)
        for name, _ in answer.headers:
            self.checks.that(not name.lower().startswith("access-control-"), where, "sends", name)
        body = json.loads(answer.body)
        self.checks.equal(self.description.errors(content[kind]["schema"], body), [], where, "against the description")
        return body.get("data", body.get("error"))

    def groups(self, *parameters, status=200):
        return self.call("GET", "/groups", parameters, status)

    def every_group(self, *parameters):
        """All pages, and how many there were."""
        found, cursor, pages = [], None, 0
        while pages == 0 or cursor is not None:
            page = self.groups(*parameters, *([("cursor", cursor)] if cursor else []))
            found += page["groups"]
            cursor, pages = page["next"], pages + 1
        return found, pages


def jobs_of(groups):
    return [group["labels"]["job"] + group["labels"].get("n", "") for group in groups]


# ---- Lists -------------------------------------------------------------------------------------------------------

def check_list(checks, options):
    with Gateway(options.binary, [], options.backend) as gateway:
        api = Api(checks, gateway)
        empty = api.groups()
        checks.equal((empty["groups"], empty["matched"], empty["total"], empty["next"]), ([], 0, 0, None), "an empty gateway")
        for number in range(57):
            body = "".join("x{i=\"%d\"} 1\n" % i for i in range(number % 5 + 1)).encode()
            checks.equal(gateway.request("PUT", "/metrics/job/%s/n/%03d" % ("etl" if number % 3 else "backup", number), body).status, 200)
        everything, pages = api.every_group(("limit", 10))
        checks.equal(pages, 6, "pages")
        names = jobs_of(everything)
        checks.equal(names, sorted(names), "by key, the job first")
        checks.equal(len(set(names)), 57, "each once")
        for sort, pick in (("series", lambda group: group["series"]), ("bytes", lambda group: group["bytes"]), ("last_push", lambda group: group["last_push"])):
            for order in ("asc", "desc"):
                found, _ = api.every_group(("limit", 7), ("sort", sort), ("order", order))
                checks.equal(len({group["id"] for group in found}), 57, sort, order, "each once")
                if sort != "last_push":  # texts with and without trailing zeros do not sort as times do
                    values = [pick(group) for group in found]
                    checks.equal(values, sorted(values, reverse=order == "desc"), sort, order)
        newest = api.groups(("sort", "last_push"), ("limit", 1))["groups"][0]
        checks.equal(newest["labels"]["n"], "056", "the newest comes first by default")
        checks.equal(sorted(jobs_of(api.every_group(("q", "BACK"), ("limit", 3))[0])), sorted(name for name in names if name.startswith("backup")), "q")
        page = api.groups(("match[]", '{job="etl",n=~"0[01].*"}'), ("limit", 2))
        wanted = [name for name in names if re.match("etl0[01]", name)]
        checks.equal((page["matched"], page["total"], jobs_of(page["groups"])), (len(wanted), 57, wanted[:2]), "match[]")
        checks.equal(page["matched_series"], sum(int(name[3:]) % 5 + 1 for name in wanted), "series of what matches")
        checks.equal(api.groups(("older_than", "1h"))["matched"], 0, "older_than")
        checks.equal(api.groups(("older_than", "0s"))["matched"], 57, "older_than")
        # A cursor stands for a place, not for a state: what comes and goes behind it is seen, or not.
        first = api.groups(("limit", 10))
        gateway.request("DELETE", "/metrics/job/%s/n/%s" % (first["groups"][-1]["labels"]["job"], first["groups"][-1]["labels"]["n"]))
        second = api.groups(("limit", 10), ("cursor", first["next"]))
        checks.equal(jobs_of(second["groups"]), names[10:20], "behind a group that is gone")
        for wrong in (("limit", "0"), ("limit", "1001"), ("limit", "x"), ("sort", "x"), ("order", "x"), ("cursor", "x"), ("cursor", first["next"] + "0"),
                      ("failed", "x"), ("older_than", "x"), ("match[]", "{"), ("match[]", '{job=~"("}'), ("q", "x" * 257)):
            api.groups(wrong, status=400)
        checks.that("a ( is not closed" in api.groups(("match[]", '{job=~"("}'), status=400), "the reason")
        checks.equal(gateway.request("GET", "/api/v1/groups?q=%zz").status, 400, "a broken escape")


def check_failures(checks, options):
    with Gateway(options.binary, ["--push.failure-details=2"], options.backend) as gateway:
        api = Api(checks, gateway)
        checks.equal(api.call("GET", "/errors")["errors"], [], "none at first")
        gateway.request("PUT", "/metrics/job/good", b"x 1\n")
        text = [("Content-Type", "text/plain; version=0.0.4")]
        for name in ("a", "b"):
            checks.equal(gateway.request("PUT", "/metrics/job/%s" % name, b"x 1 1\n", text).status, 400)
        failed = api.groups(("failed", "true"), ("sort", "last_failure"), ("order", "asc"))
        checks.equal(jobs_of(failed["groups"]), ["a", "b"], "failed ones")
        checks.equal((failed["matched_failed"], failed["total"]), (2, 3), "counts")
        for group in failed["groups"]:
            checks.that("must not have timestamps" in group.get("error", ""), "the last error", group)
            checks.equal(group.get("content_type"), "text/plain; version=0.0.4", "its content type")
            checks.that(re.match(r"127\.0\.0\.1:\d+$", group.get("client", "")), "its client", group)
            checks.equal((group["last_push"], group["failed"]), (None, True), "never pushed")
        # Two are kept: the next failure takes the place of the first.
        gateway.request("PUT", "/metrics/job/c", b"x 1 1\n")
        known = {group["labels"]["job"]: "error" in group for group in api.groups(("failed", "true"))["groups"]}
        checks.equal(known, {"a": False, "b": True, "c": True}, "bounded")
        dropped = re.search(r"^sluice_failure_details_dropped_total (\d+)$", gateway.scrape().text, re.MULTILINE)
        checks.equal(dropped and dropped.group(1), "1", "counted")
        # A push that succeeds ends it.
        gateway.request("PUT", "/metrics/job/b", b"x 1\n")
        again = next(group for group in api.groups()["groups"] if group["labels"]["job"] == "b")
        checks.equal((again["failed"], "error" in again), (False, False), "after a success")
        # Refused pushes of every kind.
        for _ in range(3):
            gateway.request("POST", "/metrics/job/m", b"broken\n")
        gateway.request("PUT", "/metrics/job/x/odd", b"x 1\n")
        gateway.request("PUT", "/metrics/job/%ff", b"x 1\n")
        errors = api.call("GET", "/errors")["errors"]
        malformed = next(error for error in errors if error["labels" if "labels" in error else "path"] == {"job": "m"})
        checks.equal((malformed["count"], malformed["method"], malformed["code"]), (3, "POST", 400), "equal ones are counted")
        checks.that("parsing error in line 1" in malformed["reason"], malformed)
        checks.that(any("odd number of components" in error["reason"] and error.get("path") == "/metrics/job/x/odd" for error in errors), "a bad path", errors)
        checks.that(any(error.get("labels", {}).get("job") == "\ufffd" for error in errors), "a value that is not UTF-8", errors)
        times = [error["time"] for error in errors]
        checks.equal([malformed in errors[:3], len(errors)], [True, 6], "the newest first", times)


# ---- One group -----------------------------------------------------------------------------------------------------

def check_detail(checks, options):
    with Gateway(options.binary, [], options.backend) as gateway:
        api = Api(checks, gateway)
        many = "# HELP many help <b>\n# TYPE many gauge\n" + "".join("many{i=\"%03d\"} %d\n" % (i, i) for i in range(250))
        buckets = "# TYPE h histogram\n" + "".join("h_bucket{i=\"%d\",le=\"1\"} %d\nh_bucket{i=\"%d\",le=\"+Inf\"} 9\nh_sum{i=\"%d\"} 1\nh_count{i=\"%d\"} 9\n" % (i, i, i, i, i) for i in range(7))
        gateway.request("PUT", "/metrics/job/text/zone/%3Ceu%3E", (many + buckets + "last 1\n").encode())
        gateway.request("PUT", "/metrics/job/proto", NATIVE + CLASSIC + PLAIN, PROTOBUF)
        ids = {group["labels"]["job"]: group["id"] for group in api.groups()["groups"]}
        everything = {group["labels"]["job"]: group for group in json.loads(gateway.request("GET", "/api/v1/metrics").body)["data"]}

        def detail(job, *parameters, status=200):
            return api.call("GET", "/groups/" + ids.get(job, job), parameters, status, template="/groups/{id}")

        for job in ids:
            whole = detail(job)
            checks.equal(whole["next"], None, job, "one page")
            checks.equal(whole["labels"], everything[job]["labels"], job, "labels")
            checks.equal(whole["family_count"], len(whole["families"]), job, "families")
            for family in whole["families"]:
                other = everything[job][family["name"]]
                for key in ("metrics", "type", "time_stamp", "help"):
                    checks.equal(family.get(key), other.get(key), job, family["name"], key)
            for limit in (1, 3, 100):
                paged, cursor, pages = {}, None, 0
                while pages == 0 or cursor is not None:
                    page = detail(job, ("limit", limit), *([("cursor", cursor)] if cursor else []))
                    for family in page["families"]:
                        checks.equal(family["first"], len(paged.setdefault(family["name"], [])), job, limit, "goes on where it ended")
                        paged[family["name"]] += family["metrics"]
                    checks.that(sum(len(family["metrics"]) for family in page["families"]) <= limit, job, "within the limit", limit)
                    cursor, pages = page["next"], pages + 1
                checks.equal(paged, {family["name"]: family["metrics"] for family in whole["families"]}, job, "in pages of", limit)
        one = detail("text", ("family", "h"), ("limit", 2))
        checks.equal([family["name"] for family in one["families"]], ["h"], "one family")
        rest = detail("text", ("family", "h"), ("cursor", one["next"]))
        checks.equal([(family["name"], len(family["metrics"])) for family in rest["families"]], [("h", 5)], "its other page")
        checks.equal((rest["next"], detail("text", ("family", "h"))["next"]), (None, None), "no page behind one family")
        checks.that("no group" in detail("0" * 16, status=404), "an unknown id")
        for wrong in ("x", "0" * 15, "0" * 17, "g" * 16, ids["text"].upper() + "0"):
            detail(wrong, status=400)
        for wrong in (("limit", "0"), ("limit", "10001"), ("cursor", "x"), ("cursor", "x.h")):
            detail("text", wrong, status=400)
        # Ids depend on the key alone: these are what they were in the first release.
        gateway.request("PUT", "/metrics/job/etl/instance/a", b"x 1\n")
        checks.equal(next(group["id"] for group in api.groups(("q", "etl"))["groups"])[:4], "%04x" % 4574, "an id is the hash that scrapes are divided by")


def check_jobs(checks, options):
    with Gateway(options.binary, [], options.backend) as gateway:
        api = Api(checks, gateway)
        for number in range(20):
            gateway.request("PUT", "/metrics/job/j%02d/n/1" % (number % 7), b"x 1\ny 2\n")
            gateway.request("PUT", "/metrics/job/j%02d/n/%d" % (number % 7, number), b"x 1\n")
        gateway.request("PUT", "/metrics/job/j03/n/fails", b"x 1 1\n")
        whole = api.call("GET", "/jobs")
        groups = api.groups(("limit", 1000))["groups"]
        checks.equal([job["job"] for job in whole["jobs"]], ["j%02d" % number for number in range(7)], "by name")
        for job in whole["jobs"]:
            mine = [group for group in groups if group["labels"]["job"] == job["job"]]
            for key in ("series", "samples", "bytes"):
                checks.equal(job[key], sum(group[key] for group in mine), job["job"], key)
            checks.equal((job["groups"], job["failed"]), (len(mine), int(job["job"] == "j03")), job["job"])
        paged, cursor, pages = [], None, 0
        while pages == 0 or cursor is not None:
            page = api.call("GET", "/jobs", [("limit", 3)] + ([("cursor", cursor)] if cursor else []))
            paged, cursor, pages = paged + page["jobs"], page["next"], pages + 1
        checks.equal((paged, pages), (whole["jobs"], 3), "in pages")
        for wrong in (("limit", "0"), ("limit", "1001"), ("cursor", "x")):
            api.call("GET", "/jobs", [wrong], 400)


def check_stats(checks, options, folder=None):
    flags = ["--persistence.file=" + folder] if folder else []
    with Gateway(options.binary, flags, options.backend) as gateway:
        api = Api(checks, gateway)
        before = api.call("GET", "/stats")
        gateway.request("PUT", "/metrics/job/a", b"x 1\ny 2\n")
        gateway.request("PUT", "/metrics/job/a", b"broken\n")
        gateway.request("DELETE", "/metrics/job/none")
        gateway.scrape()
        after = api.call("GET", "/stats")
        grown = {key: after[key] - before[key] for key in ("groups", "series", "pushes", "rejects", "deletes", "scrapes")}
        checks.equal(grown, {"groups": 1, "series": 2, "pushes": 1, "rejects": 1, "deletes": 1, "scrapes": 1}, "what was done")
        checks.that(after["mutations"] > before["mutations"] and after["scrape_bytes"] > before["scrape_bytes"], "mutations and bytes")
        checks.equal((after["admin_api"], after["durability"]["enabled"]), (False, folder is not None), "flags")
        if folder:
            checks.equal((after["durability"]["ready"], after["durability"]["refuses"]), (True, False), "durability")
            checks.that("sluice_wal_bytes_total" in after["durability"]["metrics"], "its metrics", after["durability"])
        lengths = {len(column) for column in after["history"].values() if isinstance(column, list)}
        checks.equal(len(lengths), 1, "columns of one length")


# ---- What changes something ------------------------------------------------------------------------------------------

def check_deletion(checks, options):
    for flags in ([ADMIN], [ADMIN, "--web.route-prefix=/p"], [ADMIN, "--web.external-url=https://push.example/x"]):
        prefix = "/p" if "route-prefix" in flags[-1] else "/x" if "external-url" in flags[-1] else ""
        with Gateway(options.binary, flags, options.backend) as gateway:
            api = Api(checks, gateway, prefix)
            for number in range(30):
                gateway.request("PUT", "%s/metrics/job/%s/n/%d" % (prefix, "etl" if number % 2 else "backup", number), b"x 1\n")

            def delete(*parameters, status=200, headers=()):
                return api.call("DELETE", "/groups", parameters, status, headers)

            delete(("count", 30), status=400)
            delete(("q", "etl"), status=400)
            delete(("q", "etl"), ("count", "-1"), status=400)
            delete(("match[]", "{"), ("count", 1), status=400)
            checks.that("15 groups match now" in delete(("q", "etl"), ("count", 14), status=409), "more than were shown")
            for headers in ([("Sec-Fetch-Site", "cross-site")], [("Sec-Fetch-Site", "same-site")], [("Origin", "http://other.test")], [("Origin", "null")]):
                delete(("q", "etl"), ("count", 15), status=403, headers=headers)
            checks.equal(api.groups()["total"], 30, "nothing is gone")
            origin = "https://push.example" if prefix == "/x" else "http://gateway.test"
            checks.equal(delete(("q", "etl"), ("count", 15), headers=[("Origin", origin)]), {"deleted": 15}, "deleted")
            checks.equal((api.groups()["total"], api.groups(("q", "etl"))["matched"]), (15, 0), "the rest stays")
            checks.equal(delete(("match[]", '{n=~"[0-9]"}'), ("count", 99), headers=[("Sec-Fetch-Site", "same-origin")]), {"deleted": 5}, "fewer than may go")
            checks.equal(gateway.request("GET", prefix + "/metrics").text.count("\nx{"), 10, "gone from the scrape")


def check_deletion_is_kept(checks, options, folder):
    """What was deleted by a filter stays deleted after a kill."""
    flags = [ADMIN, "--persistence.file=" + folder, "--persistence.fsync=always"]
    with Gateway(options.binary, flags, options.backend) as gateway:
        for number in range(20):
            gateway.request("PUT", "/metrics/job/%s/n/%d" % ("etl" if number % 2 else "backup", number), b"x 1\n")
        checks.equal(Api(checks, gateway).call("DELETE", "/groups", [("q", "etl"), ("count", 10)]), {"deleted": 10}, "deleted")
        gateway.stop(signal.SIGKILL)
    with Gateway(options.binary, flags, options.backend) as gateway:
        api = Api(checks, gateway)
        checks.equal((api.groups()["total"], api.groups(("q", "etl"))["matched"]), (10, 0), "after a kill")


def check_expensive_filters(checks, options):
    """Classes of thousands of characters, and many selectors that are each as large as one may be."""
    large = 'job=~"([%sa-z0-9_-]*){60}"' % ("b" * 15_000)
    many = "&".join("match[]=" + urllib.parse.quote('job=~"(a{99}){5}"') for _ in range(16))
    with Gateway(options.binary, backend=options.backend) as gateway:
        for query in ("match[]=" + urllib.parse.quote(large, safe="=~[]{}()*"), many):
            answer = gateway.request("GET", "/api/v1/groups?" + query)
            checks.equal((answer.status, "too large" in answer.text), (400, True), "an expensive filter", query[:40])


def check_routes(checks, options):
    """Methods, OPTIONS and CORS; what is the reference's stays as it is."""
    for flags, deletion in (([], ""), ([ADMIN], "DELETE, ")):
        with Gateway(options.binary, flags, options.backend) as gateway:
            for path in ("groups", "groups/0000000000000000", "jobs", "stats", "errors", "openapi.json"):
                methods = (deletion if path == "groups" else "") + "GET, OPTIONS"
                answer = gateway.request("OPTIONS", "/api/v1/" + path, headers=[("Origin", "http://other.test")])
                checks.equal((answer.status, answer.header("Allow")), (200, methods), "OPTIONS", path)
                checks.that(not any(name.lower().startswith("access-control-") for name, _ in answer.headers), "no CORS", path)
                for method in ("POST", "PUT", "HEAD") + (() if "DELETE" in methods else ("DELETE",)):
                    answer = gateway.request(method, "/api/v1/" + path)
                    checks.equal((answer.status, answer.header("Allow")), (405, methods), method, path)
            for path in ("metrics", "status", "any/thing"):
                answer = gateway.request("OPTIONS", "/api/v1/" + path)
                checks.equal((answer.status, answer.header("Access-Control-Allow-Origin")), (200, "*"), "the reference's", path)
            for path in ("groups/", "groupsx", "jobs/", "stats/x"):
                checks.equal(gateway.request("GET", "/api/v1/" + path).status, 404, path)


def check_sliced(checks, options):
    """Lists of many groups come in many turns, and pushes go on between them."""
    with Gateway(options.binary, ["--runtime.workers=1"], options.backend) as gateway:
        api = Api(checks, gateway)
        with gateway.connect() as sock:
            reader = Reader(sock)
            for start in range(0, 20000, 100):
                sock.sendall(b"".join(make_request("PUT", "/metrics/job/j%d/n/%d" % (n % 50, n), b"x 1\n") for n in range(start, start + 100)))
                for _ in range(100):
                    read_response(reader)

        def turn_count():
            return int(float(re.search(r"^sluice_loop_turn_seconds_count\{.*\} (\S+)$", gateway.scrape().text, re.MULTILINE).group(1)))

        for path in ("groups?limit=1000&q=9", "jobs", "groups/ffffffffffffffff"):
            before = turn_count()
            checks.that(gateway.request("GET", "/api/v1/" + path).status in (200, 404), path)
            checks.that(turn_count() - before > 20, path, "came in", turn_count() - before, "turns")
        with gateway.connect() as slow:
            slow.sendall(make_request("GET", "/api/v1/groups?limit=1000", b""))
            slow.sendall(make_request("GET", "/api/v1/jobs", b""))
            checks.equal(gateway.request("PUT", "/metrics/job/new", b"x 1\n", timeout=10).status, 200, "a push meanwhile")
        checks.equal(api.groups(("q", "job=new"))["matched"], 1, "and it is seen")


def main():
    options = arguments()
    checks = Checks("groups_api")
    check_list(checks, options)
    check_failures(checks, options)
    check_detail(checks, options)
    check_jobs(checks, options)
    check_stats(checks, options)
    with tempfile.TemporaryDirectory(prefix="groups_api.") as folder:
        check_stats(checks, options, folder + "/state")
    check_deletion(checks, options)
    with tempfile.TemporaryDirectory(prefix="groups_api.") as folder:
        check_deletion_is_kept(checks, options, folder + "/state")
    check_expensive_filters(checks, options)
    check_routes(checks, options)
    check_sliced(checks, options)
    checks.finish()


main()
