"""Truth 3 on NATS JetStream and PostgreSQL: two orders, a late worker, a saga."""

import asyncio
from typing import Any

from nats.js.errors import BadRequestError
from psycopg import AsyncConnection

from snippets.recipes import fencing, saga
from theme.reproduced.ground import (
    NATS,
    POSTGRES,
    Facts,
    Ground,
    database,
    jetstream,
    one,
    reproduces,
    settled,
    stream_of,
)

SEAT = "CREATE TABLE reservation (id text PRIMARY KEY, status text NOT NULL)"


@reproduces("ordering.cancel_before_reserve", NATS, POSTGRES)
async def cancel_before_reserve(ground: Ground) -> Facts:
    """reserve and cancel published in this order to a stream for each event type get
    the numbers {by_type}; with the reserve's consumer late, the reservation is
    {naive} at the end, and {tombstone} with a tombstone. In one stream for the seat
    they get {by_seat}, are read in order, and leave it {in_order}."""

    async def told(
        js: Any, types: list[str], reservations: AsyncConnection[Any], tombstone: bool
    ) -> tuple[list[int], str]:
        await reservations.execute("TRUNCATE reservation")
        name = ground.name("seat")
        streams = [f"{name}{kind}" for kind in types]
        for stream in dict.fromkeys(streams):
            await stream_of(js, stream)
        numbers = []
        for stream, event in zip(streams, ("reserve", "cancel"), strict=True):
            ack = await js.publish(f"{stream}.7A", event.encode())
            numbers.append(ack.seq)
        for stream in reversed(dict.fromkeys(streams)):  # the reserve's worker is late
            subscription = await js.pull_subscribe_bind("worker", stream=stream)
            while not await settled(js, stream):
                (message,) = await subscription.fetch(1)
                await apply(reservations, message.data.decode(), tombstone)
                await message.ack_sync()
        return numbers, await one(
            reservations, "SELECT status FROM reservation WHERE id = 'ana'"
        )

    async def apply(
        reservations: AsyncConnection[Any], event: str, tombstone: bool
    ) -> None:
        if event == "reserve":
            await reservations.execute(
                "INSERT INTO reservation VALUES ('ana', 'held') ON CONFLICT DO NOTHING"
            )
        elif tombstone:
            await reservations.execute(
                "INSERT INTO reservation VALUES ('ana', 'cancelled')"
                " ON CONFLICT (id) DO UPDATE SET status = 'cancelled'"
            )
        else:  # nothing to cancel? then nothing is remembered
            await reservations.execute(
                "UPDATE reservation SET status = 'cancelled' WHERE id = 'ana'"
            )

    async with (
        jetstream(ground.servers.nats.url) as js,
        database(ground.database(SEAT)) as reservations,
    ):
        by_type = ["reserve", "cancel"]
        numbers, naive = await told(js, by_type, reservations, tombstone=False)
        _, kept = await told(js, by_type, reservations, tombstone=True)
        by_seat, end = await told(js, ["7A", "7A"], reservations, tombstone=False)
    return {
        "by_type": "{} and {}".format(*numbers),
        "naive": naive,
        "tombstone": kept,
        "by_seat": "{} and {}".format(*by_seat),
        "in_order": end,
    }


@reproduces("ordering.retry_topic", NATS)
async def retry_topic(ground: Ground) -> Facts:
    """three messages of one stream, the first one handed back with a negative ack: done
    in the order {in_flight} with three in flight, and {one} with `max_ack_pending` 1,
    where the others wait behind it."""

    async def done(max_ack_pending: int) -> str:
        async with jetstream(ground.servers.nats.url) as js:
            stream = await stream_of(
                js,
                ground.name("line"),
                ack_wait=30,
                max_ack_pending=max_ack_pending,
            )
            for number in (1, 2, 3):
                await js.publish(f"{stream}.ana", str(number).encode())
            subscription = await js.pull_subscribe_bind("worker", stream=stream)
            order: list[str] = []
            while not await settled(js, stream):
                for message in await subscription.fetch(max_ack_pending):
                    first = message.metadata.num_delivered == 1
                    if message.data == b"1" and first:
                        await message.nak()
                    else:
                        order.append(message.data.decode())
                        await message.ack_sync()
            return ", ".join(order)

    return {"in_flight": await done(3), "one": await done(1)}


@reproduces("ordering.retried_batches", NATS)
async def retried_batches(ground: Ground) -> Facts:
    """batch 1 was lost on its way, 2 and 3 were stored, batch 1 is sent again: the
    stream holds {free}. With the expected last sequence on each batch the server
    refuses batch 2 ("{refusal}") until batch 1 is there, and the stream holds
    {numbered}."""
    refusals: list[str] = []

    async def stream(numbered: bool) -> str:
        async with jetstream(ground.servers.nats.url) as js:
            name = await stream_of(js, ground.name("log"))

            async def append(batch: int) -> bool:
                expected = {"Nats-Expected-Last-Sequence": str(batch - 1)}
                try:
                    await js.publish(
                        f"{name}.partition",
                        str(batch).encode(),
                        headers=expected if numbered else None,
                    )
                except BadRequestError as refusal:
                    refusals.append(str(refusal.description))
                    return False
                return True

            waiting = [batch for batch in (2, 3) if not await append(batch)]
            for batch in (1, *waiting):
                assert await append(batch)
            subscription = await js.pull_subscribe_bind("worker", stream=name)
            messages = await subscription.fetch(3)
            return ", ".join(message.data.decode() for message in messages)

    free, ordered = await stream(numbered=False), await stream(numbered=True)
    return {"free": free, "numbered": ordered, "refusal": refusals[0]}


@reproduces("ordering.woken_consumer", NATS, POSTGRES)
async def woken_consumer(ground: Ground) -> Facts:
    """a worker slept past its ack deadline and delivery {delivery} went to another one.
    Its late ack was still taken, with {left} messages left to ack, and its late write
    went over the newer one: the seat says {unfenced}. With the generation checked in
    the table it is refused: the seat says {fenced}."""
    schema = "CREATE TABLE seat (id text PRIMARY KEY, holder text NOT NULL)"
    write = "INSERT INTO seat VALUES ('7A', '{}') ON CONFLICT (id) DO UPDATE SET holder"

    async def holder(fenced: bool) -> tuple[str, int, int]:
        url = ground.servers.nats.url
        book = ground.database(schema, fencing.SCHEMA)
        async with jetstream(url) as js, database(book) as seats:
            stream = await stream_of(js, ground.name("seats"), ack_wait=0.1)
            await js.publish(f"{stream}.7A", b"reserve for ana")

            async def act(name: str, generation: int) -> None:
                query = f"{write.format(name)} = excluded.holder".encode()
                if fenced:
                    async with fencing.fenced(seats, "7A", generation):
                        await seats.execute(query)
                else:
                    await seats.execute(query)

            sleeper = await js.pull_subscribe_bind("worker", stream=stream)
            awake = await js.pull_subscribe_bind("worker", stream=stream)
            (first,) = await sleeper.fetch(1)
            (second,) = await awake.fetch(1)  # comes when the deadline has passed
            await act("bob", second.metadata.num_delivered)
            await first.ack_sync()
            left = (await js.consumer_info(stream, "worker")).num_ack_pending
            assert left is not None
            try:
                await act("ana", first.metadata.num_delivered)
            except fencing.Stale:
                assert fenced
            found = await one(seats, "SELECT holder FROM seat")
            return found, second.metadata.num_delivered, left

    (unfenced, delivery, left), (refused, *_) = await asyncio.gather(
        holder(fenced=False), holder(fenced=True)
    )
    return {
        "unfenced": unfenced,
        "fenced": refused,
        "delivery": delivery,
        "left": left,
    }


@reproduces("ordering.unsendable_mail", POSTGRES)
async def unsendable_mail(ground: Ground) -> Facts:
    """a booking whose card is refused, as a saga with its steps in a table: with the
    mail before the charge it ends {early_end} with {early} mail sent, and the recipe
    would not have started it ("{refusal}"). With the mail last it ends {late_end} with
    {late} mails sent."""

    async def booked(names: list[str], final: tuple[str, ...]) -> tuple[str, int]:
        done: list[str] = []

        async def act(key: str) -> None:
            if key.endswith("charge"):
                raise saga.Refused("card refused")
            done.append(key)

        async def undo(key: str) -> None:
            if key in done:
                done.remove(key)

        async def stays(key: str) -> None:
            """What a person has read: the compensation finds nothing to take back."""

        steps = [
            saga.Step(name, act, stays if name in final else undo) for name in names
        ]
        async with database(ground.database(saga.SCHEMA)) as connection:
            end = await saga.run(connection, "booking-7", steps)
        return end, sum(key.endswith("mail") for key in done)

    async def nothing(key: str) -> None:
        """A step that is only checked."""

    early_end, early = await booked(["reserve", "mail", "charge"], final=("mail",))
    late_end, late = await booked(["reserve", "charge", "mail"], final=("mail",))
    try:
        saga.check(
            [saga.Step("mail", nothing), saga.Step("charge", nothing, undo=nothing)]
        )
        refusal = ""
    except ValueError as error:
        refusal = str(error)
    return {
        "early": early,
        "early_end": early_end,
        "late": late,
        "late_end": late_end,
        "refusal": refusal,
    }


@reproduces("ordering.overtaking_refund", POSTGRES)
async def overtaking_refund(ground: Ground) -> Facts:
    """a refund that comes before its charge: without a tombstone the late charge stands
    ({plain} charge left), with one it is refused ({tombstone} left), and a second
    refund changes nothing ({again} left)."""
    left = "SELECT coalesce(sum(amount), 0) FROM money"
    money = "CREATE TABLE money (amount int NOT NULL)"
    async with database(ground.database(money, saga.SCHEMA)) as bank:

        async def charge(connection: AsyncConnection[Any]) -> None:
            await connection.execute("INSERT INTO money VALUES (1)")

        async def refund(connection: AsyncConnection[Any]) -> None:
            await connection.execute("INSERT INTO money VALUES (-1)")

        if await one(bank, "SELECT count(*) FROM money"):
            await refund(bank)
        await charge(bank)
        plain = await one(bank, left)
        await bank.execute("TRUNCATE money")
        await saga.undo_once(bank, "booking-7:charge", refund)
        try:
            await saga.act_once(bank, "booking-7:charge", charge)
        except saga.Refused:
            tombstone = await one(bank, left)
        await saga.undo_once(bank, "booking-7:charge", refund)
        return {"plain": plain, "tombstone": tombstone, "again": await one(bank, left)}


@reproduces("ordering.last_seat", POSTGRES)
async def last_seat(ground: Ground) -> Facts:
    """two connections and the last seat, which the first one gives back because its
    card is refused: when a taken seat means sold out, {plain_bob} was told to Bob and
    {plain_free} seat stays free. When a seat that is not yet paid means wait, Bob hears
    {lock_bob} and {lock_free} stay free."""
    schema = "CREATE TABLE seat (holder text, paid bool NOT NULL DEFAULT false)"
    free = "SELECT count(*) FROM seat WHERE holder IS NULL"

    async def told(semantic_lock: bool) -> tuple[str, int]:
        shop = ground.database(schema)
        async with database(shop) as ana, database(shop) as bob:
            await ana.execute("INSERT INTO seat VALUES (NULL)")
            await take(ana, "ana")
            answer = await take(bob, "bob")  # in the midst of Ana's saga
            await ana.execute("UPDATE seat SET holder = NULL")  # her card is refused
            if answer == "pending" and semantic_lock:
                answer = await take(bob, "bob")
            elif answer == "pending":
                answer = "sold out"
            return answer, await one(bob, free)

    async def take(connection: AsyncConnection[Any], name: str) -> str:
        taken = await connection.execute(
            "UPDATE seat SET holder = %s WHERE holder IS NULL", [name]
        )
        if taken.rowcount:
            return "sold"
        paid = await one(connection, "SELECT paid FROM seat")
        return "sold out" if paid else "pending"

    plain, lock = await told(semantic_lock=False), await told(semantic_lock=True)
    return {
        "plain_bob": plain[0],
        "plain_free": plain[1],
        "lock_bob": lock[0],
        "lock_free": lock[1],
    }
