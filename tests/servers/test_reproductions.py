"""What the real servers showed is what the scenarios claim, number by number."""

import asyncio
from typing import Any

import pytest

from theme.catalogue import modules, scenario, verdict
from theme.receipts import receipt, records
from theme.reproduced.__main__ import reproductions, run_all
from theme.reproduced.ground import Ground

MODULES = [each.module for each in reproductions()]

# Counts only, and nothing that depends on a clock: a time is shown, never expected.
EXPECTED: dict[str, dict[str, Any]] = {
    "delivery.one_charge": {
        "deliveries": 2,
        "without_key": 2,
        "with_key": 1,
        "acked_first": 0,
    },
    "delivery.same_transaction": {"apart": 2, "together": 1},
    "delivery.same_key_other_body": {"charges": 1, "replayed": 1, "parked": 1},
    "delivery.lost_ack": {"no_id": 2, "in_window": 1, "past_window": 2},
    "delivery.two_workers": {"looked": 2, "constrained": 1},
    "delivery.claimed_then_died": {"blind": 2, "keyed": 1, "asked": 1},
    "delivery.row_and_event": {
        "row_first": (1, 0),
        "event_first": (0, 1),
        "outbox": (1, 1),
        "sent": 2,
    },
    "delivery.timed_out": {"kept": 1, "after": 1},
    "observability.sampled_away": {"head_torn": 0},
    "observability.four_hops": {"four_links": 5},
    "observability.who_lied_first": {
        "spans": 4,
        "traces": 3,
        "linked": 2,
        "deliveries": 2,
        "rows": 1,
        "errors": 1,
        "written_by": "delivery 1",
    },
    "ordering.cancel_before_reserve": {
        "by_type": "1 and 1",
        "naive": "held",
        "tombstone": "cancelled",
        "by_seat": "1 and 2",
        "in_order": "cancelled",
    },
    "ordering.retry_topic": {"in_flight": "2, 3, 1", "one": "1, 2, 3"},
    "ordering.retried_batches": {"free": "2, 3, 1", "numbered": "1, 2, 3"},
    "ordering.woken_consumer": {
        "unfenced": "ana",
        "fenced": "bob",
        "delivery": 2,
        "left": 0,
    },
    "ordering.unsendable_mail": {"early": 1, "late": 0},
    "ordering.overtaking_refund": {"plain": 1, "tombstone": 0, "again": 0},
    "ordering.last_seat": {
        "plain_bob": "sold out",
        "plain_free": 1,
        "lock_bob": "sold",
        "lock_free": 0,
    },
    "consensus.two_winners": {"old": 1, "new": 2, "blind": "old", "fenced": "new"},
    "consensus.acked_where": {"acked": 40, "memory": 0, "disk": 40, "quorum": 40},
    "consensus.write_path": {"plain": 2, "named": 1},
    "consensus.quorum_price": {"writes": 40},
}


@pytest.fixture(scope="session")
def seen(ground: Ground) -> dict[str, dict[str, Any]]:
    """Every reproduction, run once."""
    return asyncio.run(run_all(ground))


@pytest.mark.parametrize("module", MODULES)
def test_the_servers_show_what_the_scenario_claims(
    seen: dict[str, dict[str, Any]], module: str
) -> None:
    expected = EXPECTED[module]
    assert {name: seen[module][name] for name in expected} == expected


def test_the_hops_are_counted_as_in_the_model(seen: dict[str, dict[str, Any]]) -> None:
    modelled = {
        variant["name"]: judged["total"] - judged["bad"]
        for variant in scenario("observability.four_hops").variants
        for judged in [verdict("observability.four_hops", variant["name"])]
    }
    facts = seen["observability.four_hops"]
    assert modelled == {
        "by_trace_id": facts["by_trace"],
        "follow_links": facts["by_links"],
        "by_payment_id": facts["by_payment"],
    }


def test_a_lot_at_every_hop_tears_traces_that_one_lot_keeps_whole(
    seen: dict[str, dict[str, Any]],
) -> None:
    facts = seen["observability.sampled_away"]
    assert facts["own_torn"] > facts["own_whole"]
    assert facts["head_whole"] > facts["own_whole"]
    assert facts["seen"] < facts["customers"] / 10


def test_every_reproduction_belongs_to_a_scenario() -> None:
    assert set(MODULES) <= set(modules())
    assert len(MODULES) == len(set(MODULES))


def test_a_receipt_names_the_versions_and_the_date() -> None:
    said = receipt("delivery.one_charge")
    kept = records()
    for server in ("NATS JetStream", "PostgreSQL"):
        assert f"{server} {kept['versions'][server]}" in said
    assert kept["date"] in said
    assert receipt("delivery.nothing_like_it") == ""
