"""What a gateway on an emulated processor is asked for: pushes and scrapes by curl, plain and compressed, and a DELETE."""
import gzip
import subprocess

SAMPLES = 200


def body(value):
    return "# HELP smoke Smoke.\n# TYPE smoke gauge\n" + "".join(f'smoke{{n="{n:03}"}} {n}.{value}\n' for n in range(SAMPLES))


def curl(*arguments, data=b""):
    return subprocess.run(["curl", "--silent", "--show-error", "--fail", "--max-time", "60", *arguments], input=data,
                          capture_output=True, check=True).stdout.decode()


def check_scrape(base, value):
    for how in ((), ("--compressed",)):
        scrape = curl(*how, f"{base}/metrics")
        assert scrape.count("\nsmoke{") == SAMPLES
        for n in range(SAMPLES):
            line = f'smoke{{instance="a",job="old",n="{n:03}"}} {n}.{value}'
            assert f"\n{line}\n" in scrape, line


def smoke(port):
    base = f"http://127.0.0.1:{port}"
    group = f"{base}/metrics/job/old/instance/a"
    assert curl(f"{base}/-/healthy") == "OK"
    curl("--data-binary", "@-", group, data=body(5).encode())
    check_scrape(base, 5)
    curl("--header", "Content-Encoding: gzip", "--data-binary", "@-", group, data=gzip.compress(body(25).encode()))
    check_scrape(base, 25)
    curl("--request", "DELETE", group)
    assert "smoke" not in curl(f"{base}/metrics")
