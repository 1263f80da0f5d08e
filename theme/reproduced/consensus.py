"""Truth 4 on three NATS servers: a leader killed, an owner woken, a write acked."""

import time
from contextlib import suppress
from statistics import median

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import KeyValueConfig, StorageType, StreamConfig

from snippets.recipes import fencing
from theme.reproduced.ground import (
    NATS,
    POSTGRES,
    Facts,
    Ground,
    database,
    jetstream,
    one,
    reproduces,
    stored,
    until,
)
from theme.reproduced.servers import Nats

WRITES = 40


@reproduces("consensus.two_winners", NATS, POSTGRES)
async def two_winners(ground: Ground) -> Facts:
    """a lease in the key-value store was granted as revision {old}, ran out, and was
    granted again as revision {new}. The first owner wakes up and writes: without a
    token the row says {blind}; with the revision as a token PostgreSQL refuses it
    ("{refusal}") and the row says {fenced}. The store itself refuses an update that
    names the old revision."""
    schema = "CREATE TABLE shard (owner text NOT NULL)"
    store = ground.database(schema, fencing.SCHEMA)
    async with jetstream(ground.servers.nats.url) as js, database(store) as shard:
        lease = await js.create_key_value(
            KeyValueConfig(ground.name("lease"), ttl=0.1, storage=StorageType.MEMORY)
        )
        old = await lease.create("shard-3", b"old")
        granted: list[int] = []

        async def free() -> bool:
            with suppress(  # still held, or running out while the client looks
                nats.js.errors.KeyWrongLastSequenceError,
                nats.js.errors.KeyNotFoundError,
            ):
                granted.append(await lease.create("shard-3", b"new"))
            return bool(granted)

        await until(free, "the lease to run out")
        (new,) = granted
        await shard.execute("INSERT INTO shard VALUES ('nobody')")

        async def write(owner: str) -> None:
            await shard.execute("UPDATE shard SET owner = %s", [owner])

        await write("new")
        await write("old")
        blind = await one(shard, "SELECT owner FROM shard")
        await fencing.register(shard, "shard-3", new)
        async with fencing.fenced(shard, "shard-3", new):
            await write("new")
        refusal = ""
        try:
            async with fencing.fenced(shard, "shard-3", old):
                await write("old")
        except fencing.Stale as stale:
            refusal = str(stale)
        fenced = await one(shard, "SELECT owner FROM shard")
        try:
            await lease.update("shard-3", b"old", last=old)
        except nats.js.errors.KeyWrongLastSequenceError:
            return {
                "old": old,
                "new": new,
                "blind": blind,
                "fenced": fenced,
                "refusal": refusal,
            }
        raise AssertionError("the store took an update that names an old revision")


@reproduces("consensus.acked_where", NATS)
async def acked_where(ground: Ground) -> Facts:
    """of {acked} acked writes each, after SIGKILL of the one server that acked:
    {memory} are left of those it kept in memory, {disk} of those it wrote to a file;
    and of {acked} acked by three servers, whose leader was killed in the middle,
    {quorum}. A killed process is no power cut: what the file system had not flushed
    was not lost here."""
    alone, trio = ground.servers.new_nats(), ground.servers.cluster()
    left: dict[str, int] = {}
    async with jetstream(alone.url) as js:
        for name, storage in (
            ("memory", StorageType.MEMORY),
            ("disk", StorageType.FILE),
        ):
            await js.add_stream(
                StreamConfig(name, subjects=[f"{name}.>"], storage=storage)
            )
            for number in range(WRITES):
                await js.publish(f"{name}.write", str(number).encode())
        alone.kill()
        alone.start()
        for name in ("memory", "disk"):
            left[name] = await _left(js, name)
    name = ground.name("quorum")
    urls = [server.url for server in trio]
    async with jetstream(urls[0]) as js:
        await _replicated(js, name, len(trio))
        leader = await _leader(js, name, trio)
    others = [server for server in trio if server is not leader]
    async with jetstream(others[0].url) as js:
        for number in range(WRITES):
            if number == WRITES // 2:
                leader.kill()
            await _publish(js, f"{name}.write", str(number))
        quorum = await stored(js, name)
    return {"acked": WRITES, "quorum": quorum, **left}


@reproduces("consensus.write_path", NATS)
async def write_path(ground: Ground) -> Facts:
    """three servers, the write on a quorum, the leader killed before its answer was
    heard: the client asks again and the command is stored {plain} times without an id,
    {named} time with one (the new leader says duplicate)."""
    trio = ground.servers.cluster()
    name = ground.name("command")
    async with jetstream(trio[0].url) as js:
        await _replicated(js, name, len(trio))
        leader = await _leader(js, name, trio)
    others = [server for server in trio if server is not leader]
    async with jetstream(others[0].url) as js:
        unheard = js._nc.new_inbox()  # nobody listens there: the answer is lost
        command = {"Nats-Msg-Id": "command-7"}
        await js._nc.publish(f"{name}.named", b"+1", unheard, headers=command)
        await js._nc.publish(f"{name}.plain", b"+1", unheard)

        async def on_a_quorum() -> bool:
            return await stored(js, name) == 2

        await until(on_a_quorum, "both writes")
        leader.kill()
        named_again = await _publish(js, f"{name}.named", "+1", command)
        await _publish(js, f"{name}.plain", "+1", again=False)
        assert named_again
        info = await js.stream_info(name, subjects_filter=">")
    assert info.state.subjects is not None
    return {
        "plain": info.state.subjects[f"{name}.plain"],
        "named": info.state.subjects[f"{name}.named"],
    }


@reproduces("consensus.quorum_price", NATS)
async def quorum_price(ground: Ground) -> Facts:
    """all on this one machine, so no distance: the median of {writes} acked writes took
    {one:.2f} ms with one server and {three:.2f} ms with three. Your numbers differ;
    what a quorum adds is the round trip to its nearer half."""
    times: dict[int, float] = {}
    trio = ground.servers.cluster()
    for replicas in (1, 3):
        async with jetstream(trio[0].url) as js:
            name = ground.name("timed")
            await _replicated(js, name, replicas)
            taken = []
            for _ in range(WRITES):
                start = time.perf_counter()
                await js.publish(f"{name}.write", b"x")
                taken.append(time.perf_counter() - start)
            times[replicas] = median(taken) * 1_000
    return {"writes": WRITES, "one": times[1], "three": times[3]}


async def _replicated(js: JetStreamContext, name: str, replicas: int) -> None:
    """Make an empty stream on so many servers, and wait until it takes messages."""

    async def made() -> bool:
        try:
            await js.add_stream(
                StreamConfig(name, subjects=[f"{name}.>"], num_replicas=replicas)
            )
        except (nats.errors.Error, nats.js.errors.Error):
            return False  # no leader yet, or fewer servers than replicas
        return True

    await until(made, "a cluster that can place a stream")
    await _publish(js, f"{name}.ready", "?")  # made is not yet listening
    await js.purge_stream(name)


async def _leader(js: JetStreamContext, name: str, servers: list[Nats]) -> Nats:
    found: list[Nats] = []

    async def known() -> bool:
        with suppress(nats.errors.Error, nats.js.errors.Error):
            cluster = (await js.stream_info(name)).cluster
            leader = cluster.leader if cluster else None
            found.extend(each for each in servers if each.name == leader)
        return bool(found)

    await until(known, "a leader of the stream")
    return found[0]


async def _publish(
    js: JetStreamContext,
    subject: str,
    text: str,
    headers: dict[str, str] | None = None,
    again: bool = True,
) -> bool:
    """Publish until it is acked, under one message id; whether it was a duplicate."""
    named = headers or ({"Nats-Msg-Id": f"{subject} {text}"} if again else None)
    answers: list[bool] = []

    async def acked() -> bool:
        with suppress(nats.errors.Error, nats.js.errors.Error):
            ack = await js.publish(subject, text.encode(), timeout=0.5, headers=named)
            answers.append(bool(ack.duplicate))
        return bool(answers)

    await until(acked, f"an ack of {text}")
    return answers[0]


async def _left(js: JetStreamContext, name: str) -> int:
    """How many messages are left, once the server answers again."""
    found: list[int] = []

    async def answered() -> bool:
        try:
            found.append(await stored(js, name))
        except nats.js.errors.NotFoundError:
            found.append(0)  # the stream itself was only in memory
        except (nats.errors.Error, nats.js.errors.Error):
            return False
        return True

    await until(answered, "the server to answer again")
    return found[0]
