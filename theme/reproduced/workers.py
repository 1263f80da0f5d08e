"""Worker processes that can be killed at a named line, forked from a warm process.

A worker that starts a Python of its own takes half a second; one that is forked from a
process which has imported everything takes milliseconds, and hundreds of them can be
killed in a test. The warm process is this module run as a program: it reads one request
a line, forks, and answers with how the worker ended.

A worker is killed by SIGKILL, which no `finally` survives, right before it runs a line
of the files that are named: the nth that it runs there, or the one that holds a text.
"""

import json
import linecache
import os
import selectors
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
LIFETIME = 60  # seconds after which a worker that hangs ends itself


class Ended(NamedTuple):
    """How a worker ended."""

    killed_at: str | None  # "outbox.py:88", or None when it returned
    lines: int  # how many lines of the named files it ran
    result: Any  # what its function returned


class WorkerFault(RuntimeError):
    """A worker ended with an exception; the message is its traceback."""


class Workers:
    """The warm process. Close it when done; if you die, it ends by itself."""

    def __init__(self, preload: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "theme.reproduced.workers", *preload],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._waiting: dict[int, Future[Ended]] = {}
        self._asked = 0
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(
        self,
        target: str,
        *arguments: Any,
        die_at: int | str | None = None,
        files: Sequence[str] = (),
    ) -> Future[Ended]:
        """Run `target` ("module:function") in a forked worker.

        `die_at` counts lines run in `files` (paths below the project's folder) from 1,
        or is a text on the line that is not to be run.
        """
        future: Future[Ended] = Future()
        future.set_running_or_notify_cancel()  # a worker that runs cannot be called off
        with self._lock:
            self._asked += 1
            self._waiting[self._asked] = future
            request = [self._asked, target, arguments, die_at, list(files)]
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        return future

    def close(self) -> None:
        """End the warm process, and kill the workers that are left."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            number, error, *ended = json.loads(line)
            future = self._waiting.pop(number)
            if error:
                future.set_exception(WorkerFault(error))
            else:
                future.set_result(Ended(*ended))
        for future in self._waiting.values():
            future.set_exception(WorkerFault("the warm process is gone"))


def serve(requests: int, answers: int) -> None:
    """Fork a worker for each line of `requests`, until it ends; a file descriptor."""
    selector = selectors.DefaultSelector()
    selector.register(requests, selectors.EVENT_READ)
    left = b""
    running: dict[int, tuple[int, int]] = {}  # pipe: (number of the request, process)
    while True:
        for key, _ in selector.select():
            if key.fd == requests:
                chunk = os.read(requests, 65_536)
                if not chunk:
                    for _, process in running.values():
                        os.kill(process, signal.SIGKILL)
                    return
                *lines, left = (left + chunk).split(b"\n")
                for line in lines:
                    number, *work = json.loads(line)
                    pipe, process = _forked(work, close=[requests, *running])
                    running[pipe] = number, process
                    selector.register(pipe, selectors.EVENT_READ)
            else:
                selector.unregister(key.fd)
                number, process = running.pop(key.fd)
                answer = _collected(number, key.fd, process)
                os.write(answers, json.dumps(answer).encode() + b"\n")


def _forked(work: list[Any], close: list[int]) -> tuple[int, int]:
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return reading, process
    for descriptor in (reading, *close):
        os.close(descriptor)
    try:
        os.dup2(2, 1)  # the answers' channel is not for what a worker prints
        signal.alarm(LIFETIME)
        target, arguments, die_at, files = work
        module, _, function = target.partition(":")
        count = _count_lines(files, die_at, writing)
        result = getattr(import_module(module), function)(*arguments)
        sys.settrace(None)
        said = [None, None, count(), result]
    except BaseException:
        said = [traceback.format_exc()]
    os.write(writing, json.dumps(said).encode())
    os._exit(0)


def _collected(number: int, pipe: int, process: int) -> list[Any]:
    said = b""
    while chunk := os.read(pipe, 65_536):
        said += chunk
    os.close(pipe)
    _, status = os.waitpid(process, 0)
    if not said:
        return [number, f"a worker ended with status {status} and no word"]
    return [number, *json.loads(said)]


def _count_lines(
    files: Sequence[str], die_at: int | str | None, pipe: int
) -> Callable[[], int]:
    """Count the lines run in `files` from now on, and die before the one wanted."""
    names = {str(ROOT / name) for name in files}
    lines = 0

    def on_line(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        if event == "line":
            lines += 1
            file = frame.f_code.co_filename
            if lines == die_at or (
                isinstance(die_at, str)
                and die_at in linecache.getline(file, frame.f_lineno)
            ):
                name = f"{Path(file).name}:{frame.f_lineno}"
                os.write(pipe, json.dumps([None, name, lines, None]).encode())
                os.kill(os.getpid(), signal.SIGKILL)
        return on_line

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        return on_line if frame.f_code.co_filename in names else None

    if names:
        sys.settrace(on_call)
    return lambda: lines


if __name__ == "__main__":
    for name in sys.argv[1:]:
        import_module(name)
    serve(sys.stdin.fileno(), sys.stdout.fileno())
