"""A 404 for a cancel of something unknown throws away the only cancel there is.

Ana reserves a seat, moves to another and cancels: events 1, 2 and 3 of her reservation
arrive in any order. Handling one event is one atomic step. What comes for an unknown
reservation is answered 404, sent again, parked by its number, or remembered.

Faults: none, only orders: every order of the events and of their repeats.
Leaves out: a lost event (then what is parked waits for ever: watch the oldest one).
Source: [@sagas-1987]

>>> from snippets.world import explore, find
>>> [sum(not holds(run.result) for run in explore(variant)) for variant in variants]
[3, 5, 0, 0]

The shop hears 404 for the cancel while its own reserve is still on the way:

>>> find(answer_404, lambda status: status == "held").seen_by("shop")[-1]
'from seats: cancel: 404'

Parking needs room, and a number on every event; remembering needs one row:

>>> max(str(run.trace).count("park ") for run in explore(park_what_is_early))
2
"""

NUMBERS = {"reserve": 1, "move": 2, "cancel": 3}
FITS = {"unknown": {"reserve"}, "held": {"move", "cancel"}, "cancelled": set()}


class Reservation:
    """Ana's row: its status, the number of its last event, and what waits."""

    def __init__(self):
        self.status, self.number = "unknown", 0
        self.parked: set[str] = set()

    def apply(self, world, event):
        self.status = "cancelled" if event == "cancel" else "held"
        self.number = NUMBERS[event]
        world.note("seats", f"{event}: {self.status}")


def in_any_order(world, handle):
    """Send the three events; `handle` each as it arrives."""
    world.allow(faults=0)
    row = Reservation()
    for event in NUMBERS:
        world.send("shop", "seats", event)
    while message := world.receive("seats"):
        handle(row, message.text)
    return row.status


def answer_404(world, repeats=0):
    """What does not fit is answered 404, and the shop takes that for an answer."""
    left = ["cancel"] * repeats

    def handle(row, event):
        if event in FITS[row.status]:
            return row.apply(world, event)
        world.delivers("seats", "shop", f"{event}: 404")
        if event in left:
            left.remove(event)
            world.send("shop", "seats", event)

    return in_any_order(world, handle)


def send_it_again(world):
    """What does not fit is answered 404; the shop sends a cancel up to three times."""
    return answer_404(world, repeats=2)


def remember_the_cancel(world):
    """A cancel always fits: it makes the row, and the late reserve gets the 404."""

    def handle(row, event):
        if event == "cancel" or event in FITS[row.status]:
            row.apply(world, event)
        else:
            world.delivers("seats", "shop", f"{event}: 404")

    return in_any_order(world, handle)


def park_what_is_early(world):
    """Only the next number fits; what is early waits in the row for its turn."""

    def handle(row, event):
        row.parked.add(event)
        if NUMBERS[event] > row.number + 1:
            world.note("seats", f"park {event}: too early")
        for waiting in sorted(row.parked, key=NUMBERS.__getitem__):
            if NUMBERS[waiting] == row.number + 1:
                row.parked.remove(waiting)
                row.apply(world, waiting)

    return in_any_order(world, handle)


variants = answer_404, send_it_again, remember_the_cancel, park_what_is_early


def holds(status):
    """The reservation is cancelled, in whichever order its events came."""
    return status == "cancelled"


def idle(world):
    """Does nothing: the reservation stays unknown."""
    return "unknown"
