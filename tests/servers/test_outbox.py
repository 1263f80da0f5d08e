"""The outbox: no event lost, none invented, each key in the order of its commits."""

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest
from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import APIError

from snippets.recipes import outbox
from tests.servers.kills import Start, each_line
from theme.reproduced import delivery
from theme.reproduced.ground import Ground, database, jetstream, one, stored

FILES = ["snippets/recipes/outbox.py"]
KEYS, EACH = 6, 20
UNSENT = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"


def test_two_relays_keep_the_order_of_each_key(ground: Ground) -> None:
    sent: list[tuple[str, int]] = []
    relays: list[set[str]] = [set(), set()]

    async def story() -> None:
        shop = ground.database(outbox.SCHEMA)
        async with database(shop) as a, database(shop) as b, database(shop) as c:
            for number in range(EACH):
                for key in range(KEYS):
                    async with a.transaction():
                        await outbox.add(a, f"key-{key}", "s", str(number).encode())

            async def relay(which: int) -> None:
                async def publish(event: outbox.Event) -> None:
                    relays[which].add(event.key)
                    await asyncio.sleep(0)  # let the other relay in
                    sent.append((event.key, int(event.body)))

                while await one(c if which else a, UNSENT):
                    await outbox.relay_once((b, c)[which], publish, keys=2)

            await asyncio.gather(relay(0), relay(1))

    asyncio.run(story())
    by_key: dict[str, list[int]] = defaultdict(list)
    for key, number in sent:
        by_key[key].append(number)
    assert all(relays), "both relays took part"
    assert len(by_key) == KEYS
    assert all(numbers == list(range(EACH)) for numbers in by_key.values())


def test_a_writer_waits_for_the_one_before_it_on_the_same_key(ground: Ground) -> None:
    async def story() -> list[bytes]:
        shop = ground.database(outbox.SCHEMA)
        async with database(shop) as first, database(shop) as second:

            async def late() -> None:
                async with second.transaction():
                    await outbox.add(second, "order-7", "s", b"2")

            async with first.transaction():
                await outbox.add(first, "order-7", "s", b"1")
                waiting = asyncio.create_task(late())
                locks = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                async with database(shop) as watcher:
                    while not await one(watcher, locks):
                        assert not waiting.done(), "it did not wait"
            await waiting
            cursor = await first.execute("SELECT body FROM outbox ORDER BY place")
            return [body for (body,) in await cursor.fetchall()]

    assert asyncio.run(story()) == [b"1", b"2"]


def test_an_event_of_a_transaction_that_failed_is_never_sent(ground: Ground) -> None:
    async def story() -> int:
        async with database(ground.database(outbox.SCHEMA)) as connection:

            async def failing() -> None:
                async with connection.transaction():
                    await outbox.add(connection, "order-7", "s", b"1")
                    raise ZeroDivisionError

            with pytest.raises(ZeroDivisionError):
                await failing()
            sent: list[outbox.Event] = []

            async def publish(event: outbox.Event) -> None:
                sent.append(event)

            return await outbox.relay_once(connection, publish) + len(sent)

    assert asyncio.run(story()) == 0


def test_a_relay_killed_before_any_line_loses_nothing(ground: Ground) -> None:
    url = ground.servers.nats.url

    async def story(start: Start) -> None:
        shop = ground.database(outbox.SCHEMA)
        async with jetstream(url) as js, database(shop) as connection:
            name = ground.name("relayed")
            await js.add_stream(
                StreamConfig(name, subjects=[f"{name}.>"], storage=StorageType.MEMORY)
            )
            for number in range(3):
                async with connection.transaction():
                    body = str(number).encode()
                    await outbox.add(connection, "order-7", f"{name}.order", body)
            if (await start(url, shop)).killed_at:
                await start(url, shop)
            assert await one(connection, UNSENT) == 0
            kept = [
                (await js.get_msg(name, seq)).data
                for seq in range(1, await stored(js, name) + 1)
            ]
            # inside the window of the message id each is stored once, in order
            assert kept == [b"0", b"1", b"2"]

    assert asyncio.run(each_line(ground, delivery.relay, FILES, story)) > 10


def test_past_the_window_the_repeat_is_stored_under_the_same_id(
    ground: Ground,
) -> None:
    async def story() -> list[str]:
        shop = ground.database(outbox.SCHEMA)
        async with database(shop) as connection:
            async with connection.transaction():
                await outbox.add(connection, "order-7", "s", b"1")
            sent: list[str] = []

            async def publish(event: outbox.Event) -> None:
                sent.append(event.id)
                if len(sent) == 1:
                    raise ConnectionError("stored, and the relay never heard it")

            with pytest.raises(ConnectionError):
                await outbox.relay_once(connection, publish)
            assert await outbox.relay_once(connection, publish) == 1
            assert await outbox.relay_once(connection, publish) == 0
            return sent

    first, second = asyncio.run(story())
    assert first == second


def test_an_event_that_the_broker_has_no_room_for_stays_unsent(ground: Ground) -> None:
    async def story() -> tuple[int, int]:
        shop = ground.database(outbox.SCHEMA)
        async with (
            jetstream(ground.servers.nats.url) as js,
            database(shop) as connection,
        ):
            name = ground.name("full")
            full = StreamConfig(
                name,
                subjects=[f"{name}.>"],
                storage=StorageType.MEMORY,
                max_msgs=1,
                discard=DiscardPolicy.NEW,
            )
            await js.add_stream(full)
            for number in range(2):
                async with connection.transaction():
                    body = str(number).encode()
                    await outbox.add(connection, "order-7", f"{name}.order", body)
            publish = outbox.to_jetstream(js)
            assert await outbox.relay_once(connection, publish) == 1
            with pytest.raises(APIError, match="maximum messages exceeded"):
                await outbox.relay_once(connection, publish)
            unsent = await one(connection, UNSENT)
            full.max_msgs = 2
            await js.update_stream(full)
            assert await outbox.relay_once(connection, publish) == 1
            return unsent, await stored(js, name)

    assert asyncio.run(story()) == (1, 2)


def test_only_what_was_sent_is_forgotten(ground: Ground) -> None:
    async def story() -> tuple[int, int]:
        async with database(ground.database(outbox.SCHEMA)) as connection:
            for key in ("sent", "unsent"):
                async with connection.transaction():
                    await outbox.add(connection, key, "s", b"1")

            async def publish(event: outbox.Event) -> None:
                """The broker has it."""

            await outbox.relay_once(connection, publish, keys=1)
            forgotten = await outbox.forget(connection, timedelta(0))
            return forgotten, await one(connection, UNSENT)

    assert asyncio.run(story()) == (1, 1)
