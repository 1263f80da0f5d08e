"""A pytest plugin: a mutant that fails has failed, and its example need not shrink."""

import pytest
from hypothesis import Phase, settings


def pytest_configure(config: pytest.Config) -> None:
    """After conftest.py has loaded its profile, and before any test is collected."""
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("quick", settings.get_profile("same"), phases=phases)
    settings.load_profile("quick")
