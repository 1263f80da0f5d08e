"""A commit takes as long as the member in the middle: its round trip and its flush.

The leader sends to all at once and waits until a majority, itself among them if its own
disk is quick, has flushed. So the price is an order statistic: with three members the
second fastest, with five the third. The rest is not waited for.

Leaves out: queues, batches and load, which decide the throughput; lost messages; how
long an election takes. Independent slowness is an assumption: one shared switch, one
shared disk or one long pause of the leader breaks it.
Source: [@raft-thesis], section 10.2.1, [@dean-barroso-2013]

One slow follower of three costs nothing; the distance of the faster one is the price:

>>> near, far, flush = 1, 80, 2
>>> commit_ms([near, near], flush), commit_ms([near, far], flush)
(3, 3)

>>> "2 of 3 have flushed after 3 ms" in plot(3, 1, near, far, flush, False)
True
>>> "Only 2 followers are there" in plot(3, 6, near, far, flush, False)
True

More members as far as the farthest never make a write faster, and may slow it:

>>> commit_ms([near, far, far, far], flush)
82
>>> trips = range(1, far)
>>> all(
...     commit_ms([a, b, far, far], flush) >= commit_ms([a, b], flush)
...     for a in trips
...     for b in trips
... )
True

More members nearby can, where the first followers were far:

>>> commit_ms([far, far], flush), commit_ms([far, far, near, near], flush)
(82, 3)

A leader that flushes before it sends pays two flushes one after the other:

>>> commit_ms([near, near], flush, leader_flushes_first=True)
5

If each follower is slow one time in ten, on its own, more followers cut the tail:

>>> [round(slow_share(members, 0.10), 4) for members in (3, 5, 7)]
[0.01, 0.0037, 0.0013]
"""

from math import comb

SHADES = {"trip": 0.3, "flush": 0.9}  # without a style sheet the bars still differ


def commit_ms(round_trips, flush_ms, leader_flushes_first=False):
    """Milliseconds until a majority has flushed, given each follower's round trip."""
    majority = (len(round_trips) + 1) // 2 + 1
    start = flush_ms if leader_flushes_first else 0
    done = [flush_ms, *(start + trip + flush_ms for trip in round_trips)]
    return sorted(done)[majority - 1]


def slow_share(members, slow):
    """The share of commits that wait for a slow follower, if each is slow so often.

    The leader is taken to be quick. Shares lie between 0 and 1.
    """
    followers, needed = members - 1, members // 2
    return sum(
        comb(followers, late) * slow**late * (1 - slow) ** (followers - late)
        for late in range(followers - needed + 1, followers + 1)
    )


def plot(
    members,
    near_followers,
    near_round_trip_ms,
    far_round_trip_ms,
    flush_ms,
    leader_flushes_first,
):
    """An SVG: one bar a member, the fastest on top, and a line below the quorum."""
    near = min(near_followers, members - 1)
    trips = [near_round_trip_ms] * near + [far_round_trip_ms] * (members - 1 - near)
    price, majority = commit_ms(trips, flush_ms, leader_flushes_first), members // 2 + 1
    start = flush_ms if leader_flushes_first else 0
    rows = [("leader", 0, 0)] + [
        (("near", "far")[number >= near], start, trip)
        for number, trip in enumerate(trips)
    ]
    rows.sort(key=lambda row: row[1] + row[2])
    scale = 210 / max(1, rows[-1][1] + rows[-1][2] + flush_ms)
    said = f"{majority} of {members} have flushed after {price:g} ms"
    shapes = []
    for place, (name, begins, trip) in enumerate(rows):
        y = 30 * place + (30 if place >= majority else 4)
        end = begins + trip + flush_ms
        bars = [("trip", begins, trip / 2), ("flush", begins + trip / 2, flush_ms)]
        bars += [("trip", end - trip / 2, trip / 2)]
        shapes += [f'<text x="4" y="{y + 15}">{name}</text>']
        shapes += [
            f'<rect class="plot__{kind}" x="{64 + x * scale:.1f}" y="{y}" height="20" '
            f'width="{length * scale:.1f}" fill-opacity="{SHADES[kind]}"/>'
            for kind, x, length in bars
        ]
        shapes += [f'<text x="{70 + end * scale:.1f}" y="{y + 15}">{end:g} ms</text>']
    line = 30 * majority
    words = f"{said}; nobody waits for those below the line."
    if near_followers > near:
        words += f" Only {near} followers are there to be near."
    return (
        f'<svg class="plot" viewBox="0 0 360 {30 * members + 30}" role="img" '
        f'font-size="13" fill="currentColor"><title>The price of a commit</title>'
        f"<desc>{words}</desc>"
        f'{"".join(shapes)}<path class="plot__quorum" d="M0 {line}H360" '
        f'stroke="currentColor" stroke-width="2"/>'
        f'<text class="plot__said" x="4" y="{line + 17}">{said}</text></svg>'
    )
