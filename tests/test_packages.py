"""The page's packages: exact versions, known by a digest and not by an address."""

import json
import re

from theme.catalogue import ROOT

RUNNER = ROOT / "theme" / "runner"
WANTED = json.loads((RUNNER / "package.json").read_text())
LOCKED = json.loads((RUNNER / "package-lock.json").read_text())["packages"]
KINDS = ("dependencies", "devDependencies")


def test_every_package_is_wanted_in_one_exact_version() -> None:
    wanted = {name: of for kind in KINDS for name, of in WANTED[kind].items()}
    assert wanted
    loose = {name for name, of in wanted.items() if not re.fullmatch(r"[\d.]+", of)}
    assert loose == set()
    assert {
        name: LOCKED[f"node_modules/{name}"]["version"] for name in wanted
    } == wanted


def test_every_package_is_locked_by_its_digest_and_by_no_address() -> None:
    packages = {path: lock for path, lock in LOCKED.items() if path}
    assert packages
    for path, lock in packages.items():
        assert lock["integrity"].startswith("sha512-"), path
        assert "resolved" not in lock, path  # each machine has its own registry
