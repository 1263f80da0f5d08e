"""The built site: every link leads somewhere, under a sub-path too."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from html.parser import HTMLParser
from http.client import HTTPConnection
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from tests.built import EDIT_URI, HOME, SITE_URL
from theme.catalogue import ROOT

# Attributes with which a page makes the browser ask for something by itself.
FETCHED = {
    ("script", "src"),
    ("link", "href"),
    ("img", "src"),
    ("source", "src"),
    ("iframe", "src"),
    ("object", "data"),
    ("video", "src"),
    ("audio", "src"),
}


class Page(HTMLParser):
    """The ids of a page, what it links to, and what it fetches."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.headings: list[str] = []
        self.properties: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.add(found["id"])
        if tag == "h1":
            self.headings.append(tag)
        if tag == "meta":
            self.properties.add(found.get("property", found.get("name", "")))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        canonical = found.get("rel") in ("canonical", "prev", "next", "edit")
        for name in ("src", "href", "data"):
            if (tag, name) in FETCHED and name in found and not canonical:
                self.fetched.append(found[name])


class Silent(SimpleHTTPRequestHandler):
    """A static server, as dumb as the one that will publish the site."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def ask(
    site: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], int]]:
    """Serve the site below its sub-path; gives the status of a path's answer."""
    root = tmp_path_factory.mktemp("host")
    place = root / HOME.strip("/")
    place.parent.mkdir(parents=True)
    place.symlink_to(site)
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Silent, directory=root)
    ) as server:
        Thread(target=server.serve_forever, daemon=True).start()

        @cache
        def status(path: str) -> int:
            connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            connection.request("HEAD", path)
            answer = connection.getresponse()
            connection.close()
            return answer.status

        yield status
        server.shutdown()


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Every page of the site by its address below the site's own."""
    return {
        path.relative_to(site).as_posix().removesuffix("index.html"): Page(
            path.read_text()
        )
        for path in site.rglob("*.html")
    }


pytestmark = pytest.mark.xdist_group("site")


def test_every_link_of_every_page_leads_somewhere(
    ask: Callable[[str], int], pages: dict[str, Page]
) -> None:
    base = urlsplit(SITE_URL)
    dead = []
    followed = 0
    for address, page in pages.items():
        if address == "404.html":
            continue  # it is served at any address; its own test follows
        for link in (*page.links, *page.fetched):
            target = urlsplit(urljoin(SITE_URL + address, link))
            if target.netloc != base.netloc:
                continue
            followed += 1
            path = unquote(target.path).removeprefix(base.path)
            if not target.path.startswith(base.path) or ask(target.path) != 200:
                dead.append((address, link))
            elif target.fragment and path.removesuffix("index.html") in pages:
                ids = pages[path.removesuffix("index.html")].ids
                if unquote(target.fragment) not in ids and target.fragment != "__":
                    dead.append((address, link))
    assert dead == []
    assert followed > len(pages)


def test_the_404_page_finds_its_way_from_any_address(
    ask: Callable[[str], int], pages: dict[str, Page]
) -> None:
    base = urlsplit(SITE_URL).path
    page = pages["404.html"]
    own = [link for link in (*page.links, *page.fetched) if not link.startswith("#")]
    assert own
    for link in own:
        target = urlsplit(urljoin("https://reader.example/no/such/page", link))
        if target.netloc == urlsplit(SITE_URL).netloc:
            assert target.path.startswith(base), link
            assert ask(target.path) == 200, link


def test_no_page_fetches_from_another_origin(pages: dict[str, Page]) -> None:
    foreign = [
        (address, link)
        for address, page in pages.items()
        for link in page.fetched
        if urlsplit(urljoin(SITE_URL, link)).netloc != urlsplit(SITE_URL).netloc
    ]
    assert foreign == []


def test_no_stylesheet_fetches_from_another_origin(site: Path) -> None:
    foreign = [
        (path.name, address)
        for path in site.rglob("*.css")
        for address in re.findall(
            r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')]+)", path.read_text()
        )
    ]
    assert foreign == []


def test_every_page_has_one_heading_of_the_first_level(pages: dict[str, Page]) -> None:
    wrong = [address for address, page in pages.items() if len(page.headings) != 1]
    assert wrong == []


def test_every_page_says_what_it_is_when_it_is_shared(pages: dict[str, Page]) -> None:
    wanted = {"description", "og:title", "og:description", "og:image", "og:url"}
    missing = {
        address: wanted - page.properties
        for address, page in pages.items()
        if address != "404.html" and not wanted <= page.properties
    }
    assert missing == {}


def test_every_page_can_be_edited_where_it_is_written(pages: dict[str, Page]) -> None:
    written = {path.stem for path in (ROOT / "docs").glob("*.md")}
    edited = {
        link.rsplit("/", 1)[1].removesuffix(".md")
        for page in pages.values()
        for link in page.links
        if link.startswith(EDIT_URI)
    }
    assert written <= edited


def test_the_site_holds_what_the_reader_may_run(site: Path) -> None:
    python = site / "assets" / "python"
    for name in ("world.py", "diagram.py", "delivery/one_charge.py"):
        served = (python / "snippets" / name).read_bytes()
        assert served == (ROOT / "snippets" / name).read_bytes()


def test_a_config_that_is_wrong_ends_the_build_with_one_line(tmp_path: Path) -> None:
    config = tmp_path / "mkdocs.yml"
    config.write_text(
        f"INHERIT: {ROOT / 'mkdocs.yml'}\nsite_name: x\ntheme:\n  name: materiel\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "-f", str(config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "materiel" in done.stderr
