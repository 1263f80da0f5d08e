"""Run every reproduction once, and print what was counted as JSON."""

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from theme.reproduced import consensus, delivery, observability, ordering
from theme.reproduced.ground import NATS, OTEL, POSTGRES, Ground, Reproduction
from theme.reproduced.servers import ServerFault, Servers
from theme.reproduced.workers import Workers

WARM = ("theme.reproduced.consumers", "theme.reproduced.delivery")
TRUTHS = (delivery, observability, ordering, consensus)


def reproductions() -> list[Reproduction]:
    """Every reproduction there is, truth by truth."""
    return [
        each
        for truth in TRUTHS
        for each in vars(truth).values()
        if isinstance(each, Reproduction)
    ]


async def run_all(ground: Ground) -> dict[str, dict[str, Any]]:
    """What each one counted; those with a cluster of their own run side by side."""
    seen: dict[str, dict[str, Any]] = {}

    async def run(several: Sequence[Reproduction]) -> None:
        for each in several:
            seen[each.module] = await each.run(ground)

    groups: dict[str, list[Reproduction]] = {}
    for each in reproductions():
        truth = each.module.split(".")[0]
        alone = truth == "consensus"
        groups.setdefault(each.module if alone else truth, []).append(each)
    async with asyncio.TaskGroup() as tasks:
        for several in groups.values():
            tasks.create_task(run(several))
    return seen


def versions(servers: Servers) -> dict[str, str]:
    """What each server says its version is."""
    return {
        NATS: servers.nats.version,
        POSTGRES: servers.postgres.version,
        OTEL: version("opentelemetry-sdk"),
    }


def main() -> dict[str, Any]:
    """Start the servers, run everything, stop the servers."""
    with Servers() as servers:
        workers = Workers(WARM)
        try:
            seen = asyncio.run(run_all(Ground(servers, workers)))
        finally:
            workers.close()
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "versions": versions(servers),
            "seen": {
                each.module: {
                    "servers": each.servers,
                    "facts": seen[each.module],
                    "sentence": each.said(seen[each.module]),
                }
                for each in reproductions()
            },
        }


if __name__ == "__main__":
    try:
        print(json.dumps(main(), indent=1))
    except ServerFault as fault:
        sys.exit(str(fault))
    except ExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        sys.exit(f"{type(first).__name__}: {first}")
