"""tools/packaging/kubernetes.yaml: every field exists, the parts fit each other and the image, and the gateway answers as the
probes expect. `FIELDS` is the part of Kubernetes' schema that the file uses, so a word that is misspelt or in the wrong
place is found without a cluster.

    kubernetes_test.py --binary SLUICE
"""

import json
import os
import re
import sys
import tempfile

import yaml

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
from gateway import Checks, Gateway, arguments  # pylint: disable=wrong-import-position

FILE = os.path.join(SOURCE, "tools", "packaging", "kubernetes.yaml")
NAME, ANY = "name", object()
METADATA = {"name": str, "namespace": str, "labels": ANY, "annotations": ANY}
PROBE = {"httpGet": {"path": str, "port": (str, int), "scheme": str}, "initialDelaySeconds": int, "periodSeconds": int,
         "timeoutSeconds": int, "successThreshold": int, "failureThreshold": int}
RESOURCES = {"requests": ANY, "limits": ANY}
CONTAINER = {
    "name": str, "image": str, "imagePullPolicy": str, "command": [str], "args": [str], "env": [ANY],
    "ports": [{"name": str, "containerPort": int, "protocol": str}], "livenessProbe": PROBE, "readinessProbe": PROBE,
    "startupProbe": PROBE, "resources": RESOURCES, "volumeMounts": [{"name": str, "mountPath": str, "readOnly": bool, "subPath": str}],
    "securityContext": {"allowPrivilegeEscalation": bool, "readOnlyRootFilesystem": bool, "runAsNonRoot": bool, "runAsUser": int,
                        "privileged": bool, "capabilities": {"add": [str], "drop": [str]}}}
POD = {
    "serviceAccountName": str, "automountServiceAccountToken": bool, "enableServiceLinks": bool, "terminationGracePeriodSeconds": int,
    "securityContext": {"runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int, "fsGroup": int, "fsGroupChangePolicy": str,
                        "seccompProfile": {"type": str, "localhostProfile": str}},
    "containers": [CONTAINER], "volumes": [ANY]}
SELECTOR = {"matchLabels": ANY}
FIELDS = {
    ("v1", "ServiceAccount"): {"automountServiceAccountToken": bool},
    ("v1", "Service"): {"spec": {"type": str, "clusterIP": str, "selector": ANY,
                                 "ports": [{"name": str, "port": int, "targetPort": (str, int), "protocol": str}]}},
    ("apps/v1", "StatefulSet"): {"spec": {
        "replicas": int, "serviceName": str, "selector": SELECTOR, "template": {"metadata": METADATA, "spec": POD},
        "volumeClaimTemplates": [{"metadata": METADATA, "spec": {"accessModes": [str], "storageClassName": str,
                                                                 "resources": RESOURCES}}]}},
}


def faults(value, schema, where):
    """What is wrong with `value`, as sentences."""
    if schema is ANY:
        return
    if isinstance(schema, list):
        if not isinstance(value, list) or not value:
            yield "%s is no list, or an empty one" % where
            return
        for number, item in enumerate(value):
            yield from faults(item, schema[0], "%s[%d]" % (where, number))
    elif isinstance(schema, dict):
        if not isinstance(value, dict):
            yield "%s has no fields" % where
            return
        for name, item in value.items():
            if name not in schema:
                yield "%s.%s is not a field" % (where, name)
            else:
                yield from faults(item, schema[name], "%s.%s" % (where, name))
    elif not isinstance(value, schema) or isinstance(value, bool) and schema is not bool:
        yield "%s is %r" % (where, value)


class Strict(yaml.SafeLoader):  # pylint: disable=too-many-ancestors
    """A key given twice is an error, as it is for the API server."""

    def construct_mapping(self, node, deep=False):
        names = [self.construct_object(key, deep=deep) for key, _ in node.value]
        if len(set(names)) != len(names):
            raise yaml.YAMLError("a key is there twice: %s" % names)
        return super().construct_mapping(node, deep)


def load(text):
    return {(item["apiVersion"], item["kind"]): item for item in yaml.load_all(text, Strict)}


def faults_of(objects):
    for kind, item in objects.items():
        schema = {"apiVersion": str, "kind": str, "metadata": METADATA, **FIELDS[kind]}
        yield from faults(item, schema, kind[1])


def check_schema(checks, text):
    objects = load(text)
    checks.equal(list(objects), list(FIELDS), "what is in the file")
    checks.equal(list(faults_of(objects)), [], "fields")
    # The check itself: each of these is a mistake that a reader overlooks.
    for right, wrong in (("readinessProbe", "readynessProbe"), ("fsGroup: 65534", "fsGroup: '65534'"),
                         ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: 'yes'"), ("      serviceAccountName", "      serviceAccountNames"),
                         ("httpGet: {path: /-/ready, port: http}", "path: /-/ready")):
        checks.that(right in text, "the file has", right)
        checks.that(list(faults_of(load(text.replace(right, wrong)))), "found:", wrong)
    return objects


def check_parts(checks, objects):
    """Names that have to be the same in several places."""
    service, stateful = objects["v1", "Service"]["spec"], objects["apps/v1", "StatefulSet"]["spec"]
    pod, container = stateful["template"]["spec"], stateful["template"]["spec"]["containers"][0]
    labels = stateful["template"]["metadata"]["labels"]
    for selector in (service["selector"], stateful["selector"]["matchLabels"]):
        checks.that(selector.items() <= labels.items(), "a selector finds the pod", selector, labels)
    checks.equal(stateful["serviceName"], objects["v1", "Service"]["metadata"][NAME], "the service's name")
    checks.equal(pod["serviceAccountName"], objects["v1", "ServiceAccount"]["metadata"][NAME], "the account's name")
    ports = {port[NAME]: port["containerPort"] for port in container["ports"]}
    checks.equal(ports, {"http": 9091}, "the image's port")
    checks.that(service["ports"][0]["targetPort"] in ports, "the service's port is the container's")
    for probe in ("livenessProbe", "readinessProbe"):
        checks.that(container[probe]["httpGet"]["port"] in ports, probe)
    checks.equal([mount[NAME] for mount in container["volumeMounts"]],
                 [claim["metadata"][NAME] for claim in stateful["volumeClaimTemplates"]], "volumes")
    checks.equal(stateful["replicas"], 1, "one gateway")
    return pod, container


def check_rights(checks, pod, container):
    wanted = {"runAsNonRoot": True, "runAsUser": 65534, "runAsGroup": 65534, "fsGroup": 65534, "seccompProfile": {"type": "RuntimeDefault"}}
    checks.that(wanted.items() <= {**pod["securityContext"]}.items(), "the pod's rights", pod["securityContext"])
    checks.equal(container["securityContext"], {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                "capabilities": {"drop": ["ALL"]}}, "the container's rights")
    checks.that(pod["automountServiceAccountToken"] is False, "no token of the cluster's")
    with open(os.path.join(SOURCE, "tools", "packaging", "oci.py"), encoding="utf-8") as file:
        image = file.read()
    checks.that(re.search(r"^USER = %d$" % pod["securityContext"]["runAsUser"], image, re.M), "the image's user")
    checks.that('WORKDIR = "%s"' % container["volumeMounts"][0]["mountPath"] in image, "the volume is the image's working folder")


def check_gateway(checks, options, container):
    """The flags are the gateway's, and the probes' paths answer with 200, also under the policy that refuses io_uring."""
    files = [word.split("=", 1)[1] for word in container["args"] if word.startswith("--persistence.file=")]
    checks.that(len(files) == 1 and files[0].startswith(container["volumeMounts"][0]["mountPath"] + "/"), "the state is on the volume", files)
    with tempfile.TemporaryDirectory(prefix="sluice-kubernetes-") as folder:
        flags = [word.replace(container["volumeMounts"][0]["mountPath"], folder) for word in container["args"]]
        confined = [sys.executable, "-B", os.path.join(SOURCE, "tests", "e2e", "confined.py"), "--refuse", "io_uring_setup=EPERM", "--"]
        with Gateway(options.binary, flags, wrapper=confined) as gateway:
            for probe in ("livenessProbe", "readinessProbe"):
                checks.equal(gateway.request("GET", container[probe]["httpGet"]["path"]).status, 200, probe)
            checks.that('sluice_backend_info{backend="epoll"} 1' in gateway.scrape().text, "on epoll")
            status = json.loads(gateway.request("GET", "/api/v1/status").text)["data"]["flags"]
            checks.equal(status["persistence.file"], flags[0].split("=")[1], "the flag is understood")


def main():
    options = arguments()
    checks = Checks("kubernetes")
    with open(FILE, encoding="utf-8") as file:
        objects = check_schema(checks, file.read())
    pod, container = check_parts(checks, objects)
    check_rights(checks, pod, container)
    check_gateway(checks, options, container)
    checks.finish()


if __name__ == "__main__":
    main()
