"""Print the path of a Chromium, or say how to get one."""

import shutil
import sys

# The first one has no windows to draw, which halves what a new reader costs.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
MISSING = (
    "No Chromium was found (looked for " + ", ".join(NAMES) + "): "
    "install your system's package 'chromium', or run `make browser`."
)


def chromium() -> str | None:
    """The path of the system's browser, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


if __name__ == "__main__":
    print(chromium() or MISSING)
    sys.exit(chromium() is None)
