"""The shortest way to lose a committed entry, found by looking at all shorter ones.

Three members, any of them may lead. A move is one election (with one vote beside the
candidate's own), one append (at most one a term), or one copy of one entry. The search
goes breadth first from a leader of term 1 with empty logs, and stops at the first
election of a leader that lacks a committed entry. A log is the tuple of its entries'
terms.

Bounds: three members, the number of terms that is asked for, one entry a term.
Leaves out: lost messages and cut-off leaders need no move of their own: a move that
fails is a move not made. A deposed leader of three is alone and can commit nothing.
Source: [@raft-2014], section 5.4.2 and figure 8

>>> moves, states = shortest_loss(count_copies, terms=5)
>>> for move in moves:
...     print(move)
a appends entry 1
b leads term 2 with c's vote
b appends entry 2
a leads term 3 with c's vote
a copies entry 1 to c
b leads term 4 with a's vote
>>> moves, states = shortest_loss(own_entry_appended, terms=5)
>>> len(moves)
7

With Raft's rule the search ends because no state is left, not because it gave up:

>>> shortest_loss(own_entry_stored, terms=5)
(None, 8489)
"""

from collections import deque
from itertools import permutations
from typing import NamedTuple

Log = tuple[int, ...]


class State(NamedTuple):
    """The group at one moment: who leads which term, all logs, what is committed."""

    term: int
    leader: int
    logs: tuple[Log, ...]
    committed: Log


def shortest_loss(may_commit, terms):
    """The fewest moves to a leader that lacks a committed entry, and states seen."""
    start = State(1, 0, ((), (), ()), ())
    paths: dict[State, tuple[str, ...]] = {start: ()}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        for move, after in successors(state, may_commit, terms):
            path = (*paths[state], move)
            if after.logs[after.leader][: len(after.committed)] != after.committed:
                return path, len(paths)
            if after not in paths:
                paths[after] = path
                waiting.append(after)
    return None, len(paths)


def successors(state, may_commit, terms):
    """Every move that the rules allow now, in words, and the state after it."""
    term, leader, logs, _ = state
    log, name = logs[leader], "abc"
    for one, voter in permutations(range(3), 2):
        if term < terms and rank(logs[one]) >= rank(logs[voter]):
            words = f"{name[one]} leads term {term + 1} with {name[voter]}'s vote"
            yield words, state._replace(term=term + 1, leader=one)
    if term not in log:
        after = store(state, leader, (*log, term), may_commit)
        yield f"{name[leader]} appends entry {term}", after
    for other in sorted({0, 1, 2} - {leader}):
        kept = sum(mine == its for mine, its in zip(log, logs[other], strict=False))
        for entry in log[kept : kept + 1]:
            after = store(state, other, log[: kept + 1], may_commit)
            yield f"{name[leader]} copies entry {entry} to {name[other]}", after


def rank(log):
    """A member votes for nobody of a lower rank: the last term first, then length."""
    return log[-1:], len(log)


def store(state, member, log, may_commit):
    """The state after a member has this log, and the leader has counted copies."""
    logs = (*state.logs[:member], log, *state.logs[member + 1 :])
    own, committed = logs[state.leader], state.committed
    for end in range(len(committed) + 1, len(own) + 1):
        copies = sum(each[:end] == own[:end] for each in logs)
        if copies >= 2 and may_commit(own[:end], own, state.term):
            committed = own[:end]
    return state._replace(logs=logs, committed=committed)


def count_copies(stored, log, term):
    """Whatever two of three have stored is committed."""
    return True


def own_entry_appended(stored, log, term):
    """... once the leader has appended an entry of its own term."""
    return term in log


def own_entry_stored(stored, log, term):
    """... once two of three have stored an entry of the leader's own term."""
    return term in stored
