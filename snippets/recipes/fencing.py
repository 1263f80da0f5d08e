"""Refuse the write of an owner who has been replaced: the store checks the token.

A lease can expire while its owner is paused, and checking the lease before the write
only narrows the window. So each grant comes with a number that grows, and the database
compares that number in the transaction that writes. One statement registers and
checks: it raises the mark or finds it lower, and holds the mark's row until the commit.

Guarantees:
    Once a transaction with token n has committed, no transaction with a smaller token
    commits any more for that resource.

To whom, as long as:
    To everyone who reads the rows written inside `fenced`, as long as every writer of
    them goes through `fenced`, and the tokens only grow from grant to grant (a revision
    of a JetStream or etcd key does; a clock does not).

Does not:
    Stop an old owner before the new one has committed its first transaction. A new
    owner must therefore register first (an empty `fenced` block), and read after that.
    It fences one database, and nothing that an owner does elsewhere.

Source: [@kleppmann-locks], [@chubby-2006]

>>> str(Stale("shard-3", 33))
'token 33 for shard-3 is older than one that the store has seen'
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection

SCHEMA = """
CREATE TABLE IF NOT EXISTS fence (
    resource text   PRIMARY KEY,
    token    bigint NOT NULL
)
"""


class Stale(Exception):
    """A newer owner has been here. Stop; do not retry with this token."""

    def __init__(self, resource: str, token: int) -> None:
        super().__init__(
            f"token {token} for {resource} is older than one that the store has seen"
        )


@asynccontextmanager
async def fenced(
    connection: AsyncConnection[Any], resource: str, token: int
) -> AsyncIterator[None]:
    """A transaction on `connection` that only the newest owner of `resource` gets.

    Raises:
        Stale: a larger token was registered; nothing of the block was written.
    """
    async with connection.transaction():
        passed = await connection.execute(
            "INSERT INTO fence (resource, token) VALUES (%s, %s)"
            " ON CONFLICT (resource) DO UPDATE SET token = EXCLUDED.token"
            " WHERE fence.token <= EXCLUDED.token",
            [resource, token],
        )
        if passed.rowcount == 0:
            raise Stale(resource, token)
        yield


async def register(connection: AsyncConnection[Any], resource: str, token: int) -> None:
    """Make `token` the mark before anything is read: the new owner's first act."""
    async with fenced(connection, resource, token):
        pass
