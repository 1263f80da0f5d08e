"""What an author waits for: a cold build, a warm one, and an edit until the reload."""

import shutil
import subprocess
import sys
from http.client import HTTPConnection
from re import search
from socket import create_server
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from theme.catalogue import ROOT

ROUNDS = 5
EDITED = ("docs/delivery.md", "snippets/delivery/one_charge.py", "snippets/world.py")
SECONDS = 120.0  # before a server that says nothing is given up


def rows() -> list[tuple[str, str]]:
    """What was measured, and how long it took."""
    cold = build(cold=True)
    warm = median(build(cold=False) for _ in range(ROUNDS))
    return [
        ("build: cold (no caches)", f"{cold:.1f} s"),
        ("build: warm", f"{warm:.1f} s (median of {ROUNDS})"),
        *edits(),
    ]


def build(cold: bool) -> float:
    """Seconds that one build takes, with or without what earlier ones remembered."""
    if cold:
        shutil.rmtree(ROOT / ".cache", ignore_errors=True)
    with TemporaryDirectory() as out:
        start = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "-q", "-d", out],
            cwd=ROOT,
            check=True,
        )
        return perf_counter() - start


def edits() -> list[tuple[str, str]]:
    """Seconds from an author's save until the browser is told to reload."""
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        f"{sys.executable} -m mkdocs serve -q --livereload -a 127.0.0.1:{port}".split(),
        cwd=ROOT,
    )
    try:
        epoch = wait_until_served(port)
        found = []
        for name in EDITED:
            waits = []
            for _ in range(ROUNDS):
                start = perf_counter()
                (ROOT / name).touch()
                epoch = reloaded(port, epoch)
                waits.append(perf_counter() - start)
            found.append((f"edit: {name}", f"{median(waits):.2f} s (of {ROUNDS})"))
        return found
    finally:
        server.terminate()
        server.wait()


def wait_until_served(port: int) -> int:
    """The server's first epoch, as its pages tell it to the browser."""
    end = perf_counter() + SECONDS
    while perf_counter() < end:
        try:
            page = ask(port, "/")
        except OSError:
            continue
        told = search(r"livereload\((\d+), (\d+)\)", page)
        if told:
            return int(told[1])
    raise TimeoutError("mkdocs serve did not answer: run it by hand and read its error")


def reloaded(port: int, epoch: int) -> int:
    """Wait, as a browser does, until there is a newer build than `epoch`."""
    while True:
        answer = int(ask(port, f"/livereload/{epoch}/0"))
        if answer > epoch:
            return answer


def ask(port: int, path: str) -> str:
    """The body that the server answers with."""
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("GET", path)
    return connection.getresponse().read().decode()
