"""The consumer, killed by SIGKILL before its lines: nothing lost, nothing done twice.

A schedule is the list of lines before which one worker after another dies; the last
worker lives. The ledger in PostgreSQL would take any number of charges, so what it
holds is what was done.
"""

import asyncio
import random
from collections import Counter
from typing import Any, NamedTuple

import pytest
from nats.js import JetStreamContext
from psycopg import AsyncConnection

from snippets.recipes import idempotent_consumer
from snippets.recipes.jetstream_consumer import open_parking
from theme.reproduced import consumers
from theme.reproduced.delivery import parked_of
from theme.reproduced.ground import Ground, database, jetstream, stream_of

SCHEDULES = 200
AT_ONCE = 16  # stories under way at once: their waits for a redelivery overlap
ACK_WAIT = 0.4
SEED = 14

Message = tuple[str | None, bytes]
ORDER_7: Message = ("order-7", b'{"amount": 10}')


class Outcome(NamedTuple):
    """The charges for each order, and the reasons of what was parked."""

    charges: dict[str, int]
    parked: dict[int, str]
    killed: int
    lines: int


class Story:
    """Messages for one consumer, told under many schedules on one ledger."""

    def __init__(self, ground: Ground, consumer: str, *messages: Message) -> None:
        self._ground, self._consumer, self._messages = ground, consumer, messages
        self._url = ground.servers.nats.url
        self._ledger = ground.database(consumers.LEDGER, idempotent_consumer.SCHEMA)
        self._turns = asyncio.Semaphore(AT_ONCE)

    def quiet(self) -> Outcome:
        """What happens when nobody dies."""
        return self.under([[]])[0]

    def each_line(self) -> list[list[int]]:
        """A schedule for each line that a worker runs when nobody dies."""
        return [[line] for line in range(1, self.quiet().lines + 1)]

    def under(self, schedules: list[list[int]]) -> list[Outcome]:
        """The outcome of each schedule, several under way at a time."""
        return asyncio.run(self._all(schedules))

    async def _all(self, schedules: list[list[int]]) -> list[Outcome]:
        async with jetstream(self._url) as js, database(self._ledger) as book:
            await open_parking(js)
            return await asyncio.gather(
                *(self._in_turn(js, book, schedule) for schedule in schedules)
            )

    async def _in_turn(
        self, js: JetStreamContext, book: AsyncConnection[Any], schedule: list[int]
    ) -> Outcome:
        async with self._turns:
            stream = await stream_of(js, self._ground.name("kill"), ACK_WAIT)
            for key, body in self._messages:
                headers = {"Event-Key": f"{key} of {stream}"} if key else None
                await js.publish(f"{stream}.created", body, headers=headers)
            killed = lines = 0
            for die_at in (*schedule, None):
                ended = await self._ground.worker(
                    consumers.work,
                    *(self._consumer, self._url, self._ledger, stream, ACK_WAIT),
                    die_at=die_at,
                    files=consumers.FILES,
                )
                killed += ended.killed_at is not None
                lines = ended.lines
            cursor = await book.execute(
                "SELECT split_part(key, ' of ', 1) FROM charge"
                " WHERE split_part(key, ' of ', 2) = %s",
                [stream],
            )
            charges = Counter(key for (key,) in await cursor.fetchall())
            return Outcome(dict(charges), await parked_of(js, stream), killed, lines)


def test_the_recipe_loses_nothing_and_doubles_nothing(ground: Ground) -> None:
    # an order, published again by a producer that never heard the first ack
    story = Story(ground, "recipe", ORDER_7, ORDER_7)
    schedules = story.each_line()
    lines, seeded = len(schedules), random.Random(SEED)
    while len(schedules) < max(SCHEDULES, lines + 60):
        deaths = seeded.randint(2, 3)
        schedules.append([seeded.randint(1, lines) for _ in range(deaths)])
    outcomes = story.under(schedules)
    wrong = {
        str(schedule): outcome
        for schedule, outcome in zip(schedules, outcomes, strict=True)
        if outcome.charges != {"order-7": 1} or outcome.parked
    }
    assert not wrong
    assert len(outcomes) >= SCHEDULES
    # each line of the quiet run was the last that some worker came to
    assert sum(outcome.killed for outcome in outcomes[:lines]) == lines


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (("order-7", b"{amount"), "body is no JSON"),
        ((None, b"{}"), "no Event-Key"),
    ],
)
def test_poison_is_parked_once_wherever_the_worker_dies(
    ground: Ground, message: Message, reason: str
) -> None:
    story = Story(ground, "recipe", message)
    outcomes = story.under(story.each_line())
    assert {str(outcome.parked) for outcome in outcomes} == {str({1: reason})}
    assert not any(outcome.charges for outcome in outcomes)


def test_of_two_bodies_under_one_key_one_is_charged_and_one_is_parked(
    ground: Ground,
) -> None:
    story = Story(ground, "recipe", ORDER_7, ("order-7", b'{"amount": 11}'))
    outcomes = story.under(story.each_line()[::2])
    for charges, parked, *_ in outcomes:
        assert charges == {"order-7": 1}
        # a redelivered first message may come second: whoever is first keeps the key
        ((sequence, reason),) = parked.items()
        assert sequence in (1, 2)
        assert reason.endswith("is known with another body")


@pytest.mark.parametrize("consumer", ["ack_last", "done_in_a_table"])
def test_acking_last_loses_nothing_and_doubles(ground: Ground, consumer: str) -> None:
    outcomes = naive(ground, consumer)
    assert min(outcomes) == 1
    assert max(outcomes) == 2


def test_acking_first_doubles_nothing_and_loses(ground: Ground) -> None:
    outcomes = naive(ground, "ack_first")
    assert min(outcomes) == 0
    assert max(outcomes) == 1


def naive(ground: Ground, consumer: str) -> list[int]:
    """Charges for one order, for each line before which its worker is killed."""
    story = Story(ground, consumer, ORDER_7)
    outcomes = story.under(story.each_line())
    return [outcome.charges.get("order-7", 0) for outcome in outcomes]


def test_three_workers_at_once_charge_each_order_once(ground: Ground) -> None:
    orders = [f"order-{number}" for number in range(20)]

    async def story() -> Counter[str]:
        ledger = ground.database(consumers.LEDGER, idempotent_consumer.SCHEMA)
        url = ground.servers.nats.url
        async with jetstream(url) as js, database(ledger) as book:
            await open_parking(js)
            stream = await stream_of(js, ground.name("crowd"), ACK_WAIT)
            for order in orders:
                for _ in range(2):  # side by side, so that two workers get one key
                    await js.publish(
                        f"{stream}.created",
                        b'{"amount": 10}',
                        headers={"Event-Key": order},
                    )
            arguments = ("recipe", url, ledger, stream, ACK_WAIT)
            await asyncio.gather(
                *(ground.worker(consumers.work, *arguments) for _ in range(3))
            )
            cursor = await book.execute("SELECT key FROM charge")
            return Counter(key for (key,) in await cursor.fetchall())

    assert asyncio.run(story()) == Counter(orders)


def test_a_message_that_kills_every_worker_is_parked(ground: Ground) -> None:
    async def story() -> tuple[int, dict[int, str], int]:
        ledger = ground.database(consumers.LEDGER, idempotent_consumer.SCHEMA)
        url = ground.servers.nats.url
        async with jetstream(url) as js, database(ledger) as book:
            await open_parking(js)
            stream = await stream_of(js, ground.name("deadly"), ACK_WAIT)
            key, body = ORDER_7
            await js.publish(f"{stream}.created", body, headers={"Event-Key": str(key)})
            killed = 0
            for _ in range(consumers.ATTEMPTS + 1):
                ended = await ground.worker(
                    consumers.work,
                    *("recipe", url, ledger, stream, ACK_WAIT),
                    die_at="recipe dies before the commit",
                    files=consumers.FILES,
                )
                killed += ended.killed_at is not None
            cursor = await book.execute("SELECT key FROM charge")
            charges = await cursor.fetchall()
            return killed, await parked_of(js, stream), len(charges)

    killed, parked, charges = asyncio.run(story())
    assert (killed, charges) == (consumers.ATTEMPTS, 0)
    assert parked == {1: f"given up after {consumers.ATTEMPTS} deliveries"}


def test_a_charge_that_the_ledger_refuses_is_parked_with_its_reason(
    ground: Ground,
) -> None:
    refused = b'{"amount": 13}'  # the ledger has a check against it
    outcome = Story(ground, "recipe", ("order-7", refused)).quiet()
    assert outcome.charges == {}
    assert "CheckViolation" in outcome.parked[1]
