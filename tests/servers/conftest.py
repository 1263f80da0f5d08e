"""The real servers, started once for the whole folder and gone afterwards."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from theme.reproduced.__main__ import WARM
from theme.reproduced.ground import Ground
from theme.reproduced.servers import Servers
from theme.reproduced.workers import Workers

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of the folder in one process, so that the servers start once."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("servers"))


def left_running(folder: Path) -> list[str]:
    """The processes that still work in a folder: none, when its servers are gone."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = " ".join(process.info["cmdline"] or [])
        if str(folder) in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(words)
    return found


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """NATS and PostgreSQL; the guard ends them however the run ends."""
    with Servers() as started:
        yield started
    assert not started.folder.exists()
    assert not left_running(started.folder)


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """The warm process that workers are forked from."""
    warm = Workers([*WARM, "tests.servers.kills"])
    yield warm
    warm.close()


@pytest.fixture(scope="session")
def ground(servers: Servers, workers: Workers) -> Ground:
    """Both, and a source of fresh names."""
    return Ground(servers, workers)
