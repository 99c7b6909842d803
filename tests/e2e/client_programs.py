"""Gets the client libraries and makes a runnable program of each in tests/e2e/clients. What a registry hands out goes to
build/clients and is never installed; Python's library and prometheus-cpp are packages of the distribution."""

import json
import os
import shutil
import subprocess
import sys

from gateway import SOURCE

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")
CLIENTS = os.path.join(SOURCE, "build", "clients")
PYTHON_CLIENT = "prometheus_client==0.23.1"
NODE_CLIENT = "prom-client@15.1.3"
RUBY_CLIENT = "prometheus-client"
MAVEN_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


class NotToBeHad(Exception):
    """A client library that this machine cannot get; the reason is the message."""


def run(command, where=None, env=None, why=None):
    """The finished process; with `why`, a failure raises NotToBeHad."""
    try:
        done = subprocess.run(command, cwd=where, env={**os.environ, **(env or {})}, capture_output=True, text=True,
                              timeout=600, check=False)
    except FileNotFoundError:
        raise NotToBeHad("there is no " + command[0]) from None
    if done.returncode != 0 and why:
        raise NotToBeHad("%s: %s" % (why, (done.stderr.strip() or done.stdout.strip())[-300:].replace("\n", " ")))
    return done


def older(made, *sources):
    return not os.path.exists(made) or any(os.path.getmtime(made) < os.path.getmtime(source) for source in sources)


def prepare_python():
    program = os.path.join(HERE, "push_python.py")
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and run([python, "-c", "import prometheus_client"]).returncode == 0:
            return [python, program], {}
    folder = os.path.join(CLIENTS, "python")
    if not os.path.isdir(os.path.join(folder, "prometheus_client")):
        run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, PYTHON_CLIENT], why="pip install")
    return [sys.executable, program], {"PYTHONPATH": folder}


def prepare_node():
    folder = os.path.join(CLIENTS, "node")
    os.makedirs(folder, exist_ok=True)
    if not os.path.isdir(os.path.join(folder, "node_modules", "prom-client")):
        run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, NODE_CLIENT], why="npm install")
    return ["node", os.path.join(HERE, "push_node.js")], {"NODE_PATH": os.path.join(folder, "node_modules")}


def prepare_go():
    folder = os.path.join(CLIENTS, "go")
    program = os.path.join(folder, "pusher")
    names = ("main.go", "go.mod", "go.sum")
    if older(program, *(os.path.join(HERE, "go", name) for name in names)):
        os.makedirs(folder, exist_ok=True)
        for name in names:
            shutil.copy(os.path.join(HERE, "go", name), folder)
        go = run([os.path.join(SOURCE, "tools", "peers"), "go"], why="tools/peers go").stdout.strip().split("\n")[-1]
        run([go, "build", "-o", program, "."], where=folder, env={"GOTOOLCHAIN": "local"}, why="go build")
    return [program], {}


def prepare_java(name):
    folder = os.path.join(CLIENTS, "java")
    jars, classes = os.path.join(folder, "jars"), os.path.join(folder, "classes")
    pom, source = os.path.join(HERE, "java", "pom.xml"), os.path.join(HERE, "java", name + ".java")
    if older(os.path.join(jars, "complete"), pom):
        shutil.rmtree(jars, ignore_errors=True)
        run(["mvn", "--batch-mode", "--quiet", "--file", pom, "-Dmaven.repo.local=" + os.path.join(folder, "repository"),
             MAVEN_DEPENDENCIES, "-DoutputDirectory=" + jars], where=HERE, why="mvn")
        with open(os.path.join(jars, "complete"), "w", encoding="utf-8"):
            pass
    path = os.path.join(jars, "*")
    if older(os.path.join(classes, name + ".class"), source):
        run(["javac", "-encoding", "UTF-8", "-d", classes, "-cp", path, source], why="javac")
    return ["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", classes + ":" + path, name], {}


def prepare_cpp():
    program, source = os.path.join(CLIENTS, "cpp", "pusher"), os.path.join(HERE, "push_cpp.cc")
    if older(program, source):
        os.makedirs(os.path.dirname(program), exist_ok=True)
        flags = run(["pkg-config", "--cflags", "--libs", "prometheus-cpp-push", "prometheus-cpp-core"], why="pkg-config")
        run(["c++", "-std=c++17", "-o", program, source, *flags.stdout.split()], why="c++")
    return [program], {}


def prepare_ruby():
    folder = os.path.join(CLIENTS, "ruby")
    if not os.path.isdir(os.path.join(folder, "gems")):
        run(["gem", "install", "--silent", "--no-document", "--install-dir", folder, RUBY_CLIENT], why="gem install")
    return ["ruby", os.path.join(HERE, "push_ruby.rb")], {"GEM_PATH": folder}


PREPARE = {
    "go": prepare_go,
    "go-text": prepare_go,
    "python": prepare_python,
    "java": lambda: prepare_java("PushClientJava"),
    "java-text": lambda: prepare_java("PushClientJava"),
    "simpleclient": lambda: prepare_java("PushSimpleclient"),
    "node": prepare_node,
    "cpp": prepare_cpp,
    "ruby": prepare_ruby,
}


def main():
    """Gets all of them, so that a machine can be made ready before it is cut off."""
    made = {}
    for name, prepare in PREPARE.items():
        try:
            made[name] = prepare()
        except NotToBeHad as error:
            made[name] = str(error)
    print(json.dumps(made, indent=1))


if __name__ == "__main__":
    main()
