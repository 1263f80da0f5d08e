"""The built site on a port of its own, with a record of what was asked for."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.built import HOME, ORIGIN

# The longest page with its first figure alone, for tests that look at one figure.
ONE_FIGURE = "one-figure/"
FULL = "delivery/index.html"
FIGURE = re.compile(rb'<figure class="scenario".*?</figure>', re.DOTALL)


class Server:
    """Serves `folder` below `HOME`. A test may break it and look at what it was asked.

    `broken` holds parts of paths that answer 404; `changed` holds what a file's bytes
    become on their way out. The sitemap always names this server: a page follows a
    link without a reload only where the sitemap has it.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.broken: set[str] = set()
        self.changed: dict[str, Callable[[bytes], bytes]] = {}
        self._http = _Quiet(("127.0.0.1", port), self._handler())
        self.origin = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.url = self.origin + HOME
        self.mend()

    def _handler(self) -> type[SimpleHTTPRequestHandler]:
        server = self

        class Handler(SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            extensions_map = SimpleHTTPRequestHandler.extensions_map | {
                ".js": "text/javascript",
                ".mjs": "text/javascript",
                ".wasm": "application/wasm",
            }

            def do_GET(self) -> None:
                path = self.path.partition("?")[0].removeprefix(HOME)
                server.asked.append(path)
                if any(part in path for part in server.broken):
                    self.send_error(404)
                elif path == ONE_FIGURE:
                    page = (server.folder / FULL).read_bytes()
                    kept = page.index(b"</figure>", page.index(b'class="scenario"'))
                    self.give(page[:kept] + FIGURE.sub(b"", page[kept:]), FULL)
                elif change := server.changed.get(path):
                    self.give(change((server.folder / path).read_bytes()), path)
                else:
                    super().do_GET()

            def give(self, body: bytes, path: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", self.guess_type(path))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def translate_path(self, path: str) -> str:
                path = path.partition("?")[0].partition("#")[0]
                target = server.folder / path.removeprefix(HOME)
                return str(target) + ("/" if path.endswith("/") else "")

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

    def mend(self) -> None:
        """Serve everything as it is again, and forget what was asked."""
        self.broken.clear()
        self.changed.clear()
        self.changed["sitemap.xml"] = lambda text: text.replace(
            ORIGIN.encode(), self.origin.encode()
        )
        self.asked.clear()

    @contextmanager
    def running(self) -> Iterator["Server"]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(
        self, request: object, client_address: object
    ) -> None:  # a browser that leaves in the middle of an answer is no error
        pass
