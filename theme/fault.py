"""What stops a build: one line that names the file, the line, and the mend."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

try:  # MkDocs prints its own build errors as one line, without a traceback
    from mkdocs.exceptions import BuildError as Base
except ImportError:  # another site generator
    Base = ValueError  # type: ignore[assignment, misc]


class Fault(Base):
    """An author's mistake: `where` is "docs/page.md:12", `mend` says what to do."""

    def __init__(self, where: str, what: str, mend: str) -> None:
        super().__init__(f"{where}: {what}; {mend}".replace("\n", " "))


class TooSlow(RuntimeError):
    """Code of a page ran past its time; no limit on choices stops `while True`."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Stop what runs inside after `seconds`. Works in the main thread only.

    A timer that was set before (a test runner's) is put back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TooSlow(f"still running after {seconds:g} seconds")

    handler = signal.signal(signal.SIGALRM, stop)
    earlier, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, earlier, interval)
        signal.signal(signal.SIGALRM, handler)
