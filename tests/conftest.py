"""What more than one folder of tests asks for."""

from pathlib import Path

import pytest

from tests.built import built


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder of the built site, which all processes of a run share."""
    own = tmp_path_factory.getbasetemp()
    return built(own if worker_id == "master" else own.parent)
