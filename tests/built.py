"""The site, built once for all tests that look at it, whichever process they run in."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from theme.catalogue import ROOT

# A project's own address on GitHub Pages lies below its host's root; so does this one.
HOME = "/chapters/guarantees/"
ORIGIN = "https://reader.example"
SITE_URL = ORIGIN + HOME
EDIT_URI = "https://repository.example/edit/main/docs/"


def built(folder: Path) -> Path:
    """The site in `folder`. Who comes second waits for who builds it."""
    out = folder / "built"
    with (folder / "built.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not out.exists():
            build(out)
    return out


def build(out: Path) -> None:
    """Build the site into `out`, as the publishing workflow does."""
    unfinished = out.with_suffix(".unfinished")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "--strict", "-d", unfinished],
        cwd=ROOT,
        env=os.environ
        | {"SITE_URL": SITE_URL, "EDIT_URI": EDIT_URI, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    unfinished.rename(out)
