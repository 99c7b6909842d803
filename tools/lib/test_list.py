"""The tests of a build folder, as ctest lists them, without touching that folder."""
import json
import pathlib
import shutil
import subprocess
import tempfile


def tests_of(build):
    """What ctest knows of each test. It is asked in a copy of its lists: even where it only lists, ctest begins the log of a
    folder anew, and this may run in one whose log is still written."""
    with tempfile.TemporaryDirectory(prefix="sluice-lists-") as folder:
        for path in pathlib.Path(build).rglob("CTestTestfile.cmake"):
            copy = pathlib.Path(folder) / path.relative_to(build)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        listed = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], capture_output=True, text=True, check=True)
    return json.loads(listed.stdout)["tests"]
