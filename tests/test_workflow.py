"""The workflow that publishes the site: least permissions, nothing unpinned."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from theme.catalogue import ROOT

PATH = ROOT / ".github" / "workflows" / "site.yml"
WORKFLOW = yaml.safe_load(PATH.read_text())


def test_a_linter_finds_nothing_in_the_workflow() -> None:
    linter = Path(sys.executable).parent / "zizmor"
    done = subprocess.run(
        [linter, "--offline", "--no-progress", "--persona=pedantic", PATH],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_by_its_commit() -> None:
    used = re.findall(r"uses: (\S+)", PATH.read_text())
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)


def test_nothing_is_permitted_that_a_job_does_not_ask_for() -> None:
    assert WORKFLOW["permissions"] == {}
    writing = {
        name
        for name, job in WORKFLOW["jobs"].items()
        if "write" in job["permissions"].values()
    }
    assert writing == {"deploy"}


def test_only_main_is_published() -> None:
    deploy = WORKFLOW["jobs"]["deploy"]
    assert "github.ref == 'refs/heads/main'" in deploy["if"]
    assert "github.event_name != 'pull_request'" in deploy["if"]
    assert deploy["needs"] == "build"


def test_a_pull_request_runs_the_readmes_test_command() -> None:
    assert "pull_request" in WORKFLOW[True]  # YAML reads the key `on` as true
    steps = WORKFLOW["jobs"]["build"]["steps"]
    assert "make test" in [step.get("run") for step in steps]
