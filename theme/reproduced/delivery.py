"""Truth 1 on NATS JetStream and PostgreSQL: delivered again, charged again, or not."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from nats.js import JetStreamContext
from nats.js.api import StorageType, StreamConfig
from psycopg import AsyncConnection

from snippets.recipes import foreign_provider, idempotent_consumer, outbox
from snippets.recipes.jetstream_consumer import open_parking, parking_subject
from theme.reproduced import consumers
from theme.reproduced.ground import (
    NATS,
    POSTGRES,
    Facts,
    Ground,
    database,
    deliveries,
    jetstream,
    one,
    reproduces,
    stored,
    stream_of,
    until,
)

ACK_WAIT = 0.4
ORDER = {"Event-Key": "order-7"}
BODY = json.dumps({"amount": 10}).encode()
PROVIDER = "CREATE TABLE book (key text, place bigint GENERATED ALWAYS AS IDENTITY)"


async def charged(ground: Ground, consumer: str, die_at: str | None) -> tuple[int, int]:
    """Charges and deliveries after one worker died at a line and another came."""
    ledger = ground.database(consumers.LEDGER, idempotent_consumer.SCHEMA)
    url = ground.servers.nats.url
    async with jetstream(url) as js, database(ledger) as book:
        stream = await stream_of(js, ground.name("orders"), ACK_WAIT)
        await js.publish(f"{stream}.created", BODY, headers=ORDER)
        arguments = (consumer, url, ledger, stream, ACK_WAIT)
        ended = await ground.worker(
            consumers.work, *arguments, die_at=die_at, files=consumers.FILES
        )
        assert (ended.killed_at is None) == (die_at is None), f"no line says {die_at!r}"
        await ground.worker(consumers.work, *arguments)
        charges = await one(book, "SELECT count(*) FROM charge")
        return charges, await deliveries(js, stream)


@reproduces("delivery.one_charge", NATS, POSTGRES)
async def one_charge(ground: Ground) -> Facts:
    """a worker killed by SIGKILL between the charge and the ack: {deliveries}
    deliveries, {without_key} charges without the key, {with_key} with it;
    {acked_first} when it acks first and dies before the charge."""
    (without_key, given), (with_key, _), (acked_first, _) = await asyncio.gather(
        charged(ground, "ack_last", "ack_last dies before the ack"),
        charged(ground, "recipe", "recipe dies before the ack"),
        charged(ground, "ack_first", "ack_first dies before the charge"),
    )
    return {
        "deliveries": given,
        "without_key": without_key,
        "with_key": with_key,
        "acked_first": acked_first,
    }


@reproduces("delivery.same_transaction", NATS, POSTGRES)
async def same_transaction(ground: Ground) -> Facts:
    """a worker killed by SIGKILL between the charge and the record of it: {apart}
    charges. With the key row in the charge's transaction, killed before the charge,
    before the commit and before the ack: {together} charge each time."""
    (apart, _), *rest = await asyncio.gather(
        charged(ground, "done_in_a_table", "done_in_a_table dies before the record"),
        charged(ground, "recipe", "recipe dies before the charge"),
        charged(ground, "recipe", "recipe dies before the commit"),
        charged(ground, "recipe", "recipe dies before the ack"),
    )
    (together,) = {charges for charges, _ in rest}
    return {"apart": apart, "together": together}


@reproduces("delivery.same_key_other_body", NATS, POSTGRES)
async def same_key_other_body(ground: Ground) -> Facts:
    """one key with $10, the same key again with $10, and the same key with $8:
    {charges} charge, {replayed} replay of the stored answer, and {parked} message
    parked with the reason "{reason}"."""
    ledger = ground.database(consumers.LEDGER, idempotent_consumer.SCHEMA)
    url = ground.servers.nats.url
    async with jetstream(url) as js, database(ledger) as book:
        await open_parking(js)
        stream = await stream_of(js, ground.name("orders"), ACK_WAIT)
        for amount in (10, 10, 8):
            body = json.dumps({"amount": amount}).encode()
            await js.publish(f"{stream}.created", body, headers=ORDER)
        await ground.worker(consumers.work, "recipe", url, ledger, stream, ACK_WAIT)
        charges = await one(book, "SELECT count(*) FROM charge")
        parked = await parked_of(js, stream)
    return {
        "charges": charges,
        "replayed": 3 - charges - len(parked),
        "parked": len(parked),
        "reason": parked[3],
    }


@reproduces("delivery.lost_ack", NATS)
async def lost_ack(ground: Ground) -> Facts:
    """the same event sent twice, as after an ack that never came: {no_id} records
    without a message id, {in_window} with one inside the window, {past_window} with one
    when the window has passed."""
    async with jetstream(ground.servers.nats.url) as js:
        name = ground.name("events")
        await js.add_stream(
            StreamConfig(
                name,
                subjects=[f"{name}.>"],
                storage=StorageType.MEMORY,
                duplicate_window=0.1,
            )
        )
        long = await stream_of(js, ground.name("events"))
        await js.publish(f"{long}.plain", BODY)
        await js.publish(f"{long}.plain", BODY)
        no_id = await stored(js, long)
        event = {"Nats-Msg-Id": "event-9"}
        await js.publish(f"{long}.named", BODY, headers=event)
        repeat = await js.publish(f"{long}.named", BODY, headers=event)
        assert repeat.duplicate
        in_window = await stored(js, long) - no_id

        async def stored_again() -> bool:
            ack = await js.publish(f"{name}.named", BODY, headers=event)
            return not ack.duplicate

        await js.publish(f"{name}.named", BODY, headers=event)
        await until(stored_again, "a window of 100 ms to pass")
        past_window = await stored(js, name)
    return {"no_id": no_id, "in_window": in_window, "past_window": past_window}


@reproduces("delivery.two_workers", POSTGRES)
async def two_workers(ground: Ground) -> Facts:
    """two connections at once on one key: {looked} charges when both look before they
    write, {constrained} when the key's row decides; the other one waits, and is given
    the first one's answer."""
    ledger = ground.database(consumers.LEDGER, idempotent_consumer.SCHEMA)
    async with database(ledger) as first, database(ledger) as second:
        looks = [
            await one(each, "SELECT count(*) FROM charge") for each in (first, second)
        ]
        for each, found in zip((first, second), looks, strict=True):
            if not found:
                await each.execute("INSERT INTO charge VALUES ('order-7', 10)")
        looked = await one(first, "SELECT count(*) FROM charge")
        await first.execute("TRUNCATE charge")

        async def charge(connection: AsyncConnection[Any]) -> idempotent_consumer.JSON:
            await connection.execute("INSERT INTO charge VALUES ('order-7', 10)")
            return "charged"

        answers = await asyncio.gather(
            *(
                idempotent_consumer.once(each, "payments", "order-7", 10, charge)
                for each in (first, second)
            )
        )
        assert sorted(answer.replayed for answer in answers) == [False, True]
        assert {answer.response for answer in answers} == {"charged"}
        constrained = await one(first, "SELECT count(*) FROM charge")
    return {"looked": looked, "constrained": constrained}


async def parked_of(js: JetStreamContext, stream: str) -> dict[int, str]:
    """The reasons for which messages of a stream were parked, by their sequence."""
    info = await js.stream_info("PARKED", subjects_filter=f"parked.{stream}.>")
    found = {}
    for subject, copies in (info.state.subjects or {}).items():
        assert copies == 1, f"{subject} was parked {copies} times"
        message = await js.get_last_msg("PARKED", subject)
        sequence = int(subject.rpartition(".")[2])
        assert subject == parking_subject(stream, sequence)
        found[sequence] = (message.headers or {})["Parked-Reason"]
    return found


class Provider:
    """A provider with a book of its own: it honours keys only while it keeps them."""

    def __init__(self, connection: AsyncConnection[Any], honours_keys: bool) -> None:
        self._connection, self._honours_keys = connection, honours_keys

    async def call(
        self, key: str, request: foreign_provider.JSON
    ) -> foreign_provider.JSON:
        """Charge, unless the key is known."""
        if not self._honours_keys or await self.find(key) is None:
            await self._connection.execute("INSERT INTO book VALUES (%s)", [key])
        return await self.find(key)

    async def find(self, reference: str) -> foreign_provider.JSON:
        """The place in the book of what was charged for a reference."""
        cursor = await self._connection.execute(
            "SELECT place FROM book WHERE key = %s", [reference]
        )
        row = await cursor.fetchone()
        return row[0] if row else None


def settle(ours: str, theirs: str, retention: float, honours_keys: bool) -> None:
    """A worker: bring the intent "order-7" to its end."""
    asyncio.run(_settle(ours, theirs, retention, honours_keys))


async def _settle(ours: str, theirs: str, retention: float, honours_keys: bool) -> None:
    async with database(ours) as connection, database(theirs) as book:
        provider = Provider(book, honours_keys)
        await foreign_provider.settle(
            connection,
            provider,
            "order-7",
            timedelta(seconds=retention),
            timedelta(0),
        )


async def charged_abroad(
    ground: Ground, die_at: str | int | None, retention: float, honours_keys: bool
) -> tuple[int, str, bool]:
    """Charges at the provider, our row's state, and whether the first worker died."""
    ours = ground.database(foreign_provider.SCHEMA)
    theirs = ground.database(PROVIDER)
    async with database(ours) as connection, database(theirs) as book:
        await foreign_provider.intend(connection, "order-7", {"amount": 10})
        arguments = (ours, theirs, retention, honours_keys)
        ended = await ground.worker(
            settle,
            *arguments,
            die_at=die_at,
            files=["snippets/recipes/foreign_provider.py"],
        )
        await ground.worker(settle, *arguments)
        charges = await one(book, "SELECT count(*) FROM book")
        state = await one(connection, "SELECT state FROM provider_call")
    return charges, state, ended.killed_at is not None


@reproduces("delivery.claimed_then_died", POSTGRES)
async def claimed_then_died(ground: Ground) -> Facts:
    """a worker killed by SIGKILL after the provider charged and before its own row says
    so: {blind} charges when the next one charges again without a key, {keyed} with the
    same key, {asked} when the key is forgotten and the provider is asked first;
    nothing was late there."""
    died = "UPDATE provider_call SET state"
    hour = 3600.0
    (keyed, *ends), (asked, *others), (blind, *_) = await asyncio.gather(
        charged_abroad(ground, died, hour, honours_keys=True),
        charged_abroad(ground, died, 0, honours_keys=False),
        charged_abroad(ground, died, hour, honours_keys=False),
    )
    assert ends == others == ["done", True]
    return {"blind": blind, "keyed": keyed, "asked": asked}


def place_order(url: str, shop: str, subject: str, order: str) -> None:
    """A worker: a row and an event, in one of three ways."""
    asyncio.run(_place_order(url, shop, subject, order))


async def _place_order(url: str, shop: str, subject: str, order: str) -> None:
    async with jetstream(url) as js, database(shop) as connection:
        row = "INSERT INTO placed VALUES ('order-7')"
        if order == "row first":
            await connection.execute(row.encode())
            await js.publish(subject, BODY)  # dies with the row and no event
        elif order == "event first":
            await js.publish(subject, BODY)
            await connection.execute(row.encode())  # dies with the event and no row
        else:
            async with connection.transaction():
                await connection.execute(row.encode())
                await outbox.add(connection, "order-7", subject, BODY)
            while await outbox.relay_once(connection, outbox.to_jetstream(js)):
                pass


def relay(url: str, shop: str) -> int:
    """A worker: publish what the outbox holds; return how many events it sent."""
    return asyncio.run(_relay(url, shop))


async def _relay(url: str, shop: str) -> int:
    sent = 0
    async with jetstream(url) as js, database(shop) as connection:
        while now := await outbox.relay_once(connection, outbox.to_jetstream(js)):
            sent += now
    return sent


@reproduces("delivery.row_and_event", NATS, POSTGRES)
async def row_and_event(ground: Ground) -> Facts:
    """killed by SIGKILL in between, write-then-publish leaves {row_first[0]} row and
    {row_first[1]} events, publish-then-write {event_first[0]} rows and {event_first[1]}
    event. A relay killed after it published leaves {outbox[0]} row, and the next relay
    publishes again: {sent} sends, {outbox[1]} event stored inside the window of the
    message id."""

    async def after(order: str, die_at: str) -> tuple[int, int, int]:
        shop = ground.database("CREATE TABLE placed (id text)", outbox.SCHEMA)
        url = ground.servers.nats.url
        async with jetstream(url) as js, database(shop) as connection:
            stream = await stream_of(js, ground.name("placed"))
            ended = await ground.worker(
                place_order,
                *(url, shop, f"{stream}.placed", order),
                die_at=die_at,
                files=["theme/reproduced/delivery.py", "snippets/recipes/outbox.py"],
            )
            assert ended.killed_at, f"no line says {die_at!r}"
            heard = await stored(js, stream)
            if order == "outbox":
                heard += (await ground.worker(relay, url, shop)).result
            rows = await one(connection, "SELECT count(*) FROM placed")
            return rows, await stored(js, stream), heard

    row_first, event_first, through_outbox = await asyncio.gather(
        after("row first", "dies with the row and no event"),
        after("event first", "dies with the event and no row"),
        after("outbox", "UPDATE outbox SET sent_at"),
    )
    return {
        "row_first": row_first[:2],
        "event_first": event_first[:2],
        "outbox": through_outbox[:2],
        "sent": through_outbox[2],
    }


@reproduces("delivery.timed_out", NATS)
async def timed_out(ground: Ground) -> Facts:
    """a publisher whose ack went to an inbox that nobody reads cannot tell that the
    server holds {kept} record; when it publishes again with the same message id, the
    server says duplicate and still holds {after}."""
    async with jetstream(ground.servers.nats.url) as js:
        stream = await stream_of(js, ground.name("payments"))
        event = {"Nats-Msg-Id": "payment-7"}
        unheard = js._nc.new_inbox()
        await js._nc.publish(f"{stream}.pay", BODY, reply=unheard, headers=event)

        async def there() -> bool:
            return await stored(js, stream) == 1

        await until(there, "the record")
        kept = await stored(js, stream)
        again = await js.publish(f"{stream}.pay", BODY, headers=event)
        assert again.duplicate
        return {"kept": kept, "after": await stored(js, stream)}
