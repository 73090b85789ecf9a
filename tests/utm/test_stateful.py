"""Any sequence of requests comes to the same in the ledger and in a plain model of a DSS.

Held against each other after every step: the answer or the status of its refusal, whom the writer must notify and under
what number, and all that is held. `Desk.take` undoes every change once before it keeps it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from keepclear.errors import Malformed, Refused
from keepclear.geometry.cells import cells_of_circle
from keepclear.model.utm import (
    Availability,
    IntentState,
    UtmCircle,
    UtmConstraint,
    UtmIntent,
    UtmPoint,
    UtmSubscription,
    UtmVolume,
)
from keepclear.utm import constraints, intents, subscriptions
from keepclear.utm.asked import ConstraintAsked, ImplicitAsked, IntentAsked, SubscriptionAsked
from keepclear.utm.ledger import Ledger
from keepclear.utm.ruling import Asker, Down, MissingKnowledge, NotAllowed, NotFound, Ruling, Stale
from keepclear.utm.scopes import CONFORMANCE_MONITORING, CONSTRAINT_PROCESSING, STRATEGIC_COORDINATION
from tests.utm.cast import STRICT, T0, Desk, indices, minutes, state_of, uuid
from tests.utm.model_dss import Box, IntentWish, ModelDss, No, SubscriptionWish, about

PLACES: dict[str, tuple[tuple[float, float], float]] = {
    "a": ((34.5, 69.2), 50.0),
    "b": ((34.5, 69.25), 50.0),
    "c": ((34.8, 69.2), 50.0),
    "ab": ((34.5, 69.225), 4_000.0),
}
"""Two small places 4.6 km apart, one far away, and one that holds the first two."""
LABELS = {"a": frozenset("a"), "b": frozenset("b"), "c": frozenset("c"), "ab": frozenset("abx")}
SCOPES = {"sc": STRATEGIC_COORDINATION, "cp": CONSTRAINT_PROCESSING, "cmsa": CONFORMANCE_MONITORING}
STATUS: tuple[tuple[type[Refused], int], ...] = (
    (MissingKnowledge, 409),
    (Stale, 409),
    (Down, 412),
    (NotAllowed, 403),
    (NotFound, 404),
    (Malformed, 400),
)

managers = st.sampled_from(["alfa", "bravo"])
ids = st.sampled_from([uuid(number) for number in range(1, 5)])
names = st.sampled_from([uuid(number) for number in range(11, 14)])
EVERY = frozenset(SCOPES)
scopes = st.sampled_from([EVERY, EVERY, EVERY, EVERY, frozenset({"sc"}), frozenset({"cp"})])
heights = st.sampled_from([(0.0, 100.0), (100.0, 200.0), (150.5, 300.0), (0.0, 500.0), (0.0, 500.0)])
times = st.sampled_from(
    [(0.0, 20.0), (20.0, 40.0), (10.0, 70.0), (-3.0, 120.0), (60.0, 90.0), (-3.0, 40.0), (-30.0, -10.0)]
)
late = st.sampled_from([None, None, None, -4.0, 0.0, 10.0, 23.0, 30.0, -9.0])
states = st.sampled_from(["Accepted", "Accepted", "Activated", "Activated", "Nonconforming", "Contingent"])
keys = st.sampled_from(["all", "all", "all", "none", "old", "all but one"])
hang_on = st.sampled_from(["none", "new", "new", "own", "own", "named", "named", "new for constraints", "both"])
versions = st.sampled_from([*["right"] * 8, "create", "old"])
stray = st.sampled_from([*[False] * 6, True])
"""Whether a request is about whatever comes, by whoever comes; else about what is there, by whose it is."""


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Times are minutes from now."""
    low, high = draw(heights)
    start, end = draw(times)
    return Box(LABELS[draw(st.sampled_from(sorted(PLACES)))], low, high, start, end)


def test_the_places_are_to_one_another_as_their_labels() -> None:
    cells = {name: set(cells_of_circle(*at, radius_m)) for name, (at, radius_m) in PLACES.items()}
    for one, ones in LABELS.items():
        for other, others in LABELS.items():
            assert bool(cells[one] & cells[other]) == bool(ones & others)
            assert (cells[one] <= cells[other]) == (ones <= others)


class Dss(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.model = ModelDss()
        self.ovns: dict[tuple[str, str, int], str] = {}
        self.versions: dict[tuple[str, int], str] = {}

    # ── from the model's words into ours ──

    @property
    def ledger(self) -> Ledger:
        return self.desk.ledger

    def volume(self, box: Box, start: float | None, end: float | None) -> UtmVolume:
        at, radius_m = PLACES[next(name for name, labels in LABELS.items() if labels == box.where)]
        return UtmVolume(
            circle=UtmCircle(centre=UtmPoint(lat_deg=at[0], lng_deg=at[1]), radius_m=radius_m),
            lower_m=box.low,
            upper_m=box.high,
            starts_at=None if start is None else T0 + minutes(start),
            ends_at=None if end is None else T0 + minutes(end),
        )

    def from_now(self, box: Box) -> Box:
        return Box(box.where, box.low, box.high, box.start + self.model.now, box.end + self.model.now)

    def volumes(self, given: list[Box]) -> tuple[UtmVolume, ...]:
        return tuple(self.volume(box, box.start, box.end) for box in given)

    def asker(self, who: str, has: frozenset[str]) -> Asker:
        return Asker(who, frozenset(SCOPES[each] for each in has))

    def version(self, held: Any, choice: str) -> int | None:
        """The version a request names: the right one, an old one, or none for it is to be created."""
        if choice == "create" or (held is None and choice == "right"):
            return None
        return 99 if held is None else held.version - (choice == "old")

    def settle(self, held: Any, who: str, stray: bool) -> str:
        return who if stray or held is None else str(held.manager)

    def chosen(self, register: Any, id: str, which: int, stray: bool) -> str:
        return id if stray or not register else sorted(each.id for each in register)[which % len(register)]

    # ── one step of both ──

    def both(self, ours: Callable[[], Ruling], theirs: Callable[[Ruling | None], Any]) -> tuple[Ruling | None, Any]:
        """Do the same on both sides; they agree on whether, on why not, and on who is told."""
        before = state_of(self.ledger)
        ruling: Ruling | None = None
        status, lacking = 200, frozenset[tuple[str, str]]()
        try:
            ruling = ours()
        except Refused as error:
            status = next(number for kind, number in STATUS if type(error) is kind)
            if isinstance(error, MissingKnowledge):
                named = [("intent", each.id) for each in error.intents]
                lacking = frozenset(named + [("constraint", each.id) for each in error.constraints])
            assert state_of(self.ledger) == before
        answer, no = None, No(200)
        try:
            answer = theirs(ruling)
        except No as error:
            no = error
        assert (status, lacking) == (no.status, no.missing)
        if ruling is None:
            return None, None
        self.desk.take(ruling)
        self.remember()
        if isinstance(answer, dict):
            assert indices(ruling) == answer
        else:
            assert ruling.told == ()
        return ruling, answer

    def remember(self) -> None:
        """Note what OVN or version of ours belongs to which version of the model's."""
        for kind, held, register in (
            ("intent", self.model.intents, self.ledger.intents),
            ("constraint", self.model.constraints, self.ledger.constraints),
        ):
            for each in held:
                ours: UtmIntent | UtmConstraint = register[each.id]
                if each.version == 1:  # an id that was freed begins again
                    self.ovns = {known: ovn for known, ovn in self.ovns.items() if known[:2] != (kind, each.id)}
                self.ovns[kind, each.id, each.version] = ours.ovn
        for subscription in self.model.subscriptions:
            self.versions[subscription.id, subscription.version] = self.ledger.subscriptions[subscription.id].version

    # ── requests ──

    @rule(
        who=managers,
        has=scopes,
        id=ids,
        given=st.lists(boxes(), min_size=1, max_size=2),
        state=states,
        key=keys,
        hang=hang_on,
        name=names,
        choice=versions,
        stray=stray,
        pick=st.randoms(use_true_random=False),
    )
    def put_intent(self, **asked: Any) -> None:
        self.ask_for_intent(**asked)

    @rule(
        id=ids,
        who=managers,
        where=st.sampled_from(["a", "ab", "ab"]),
        key=keys,
        hang=st.sampled_from(["new", "own", "named", "new for constraints"]),
        state=st.sampled_from(["Accepted", "Activated", "Nonconforming"]),
        pick=st.randoms(use_true_random=False),
    )
    def fly(self, id: str, who: str, where: str, key: str, hang: str, state: str, pick: Any) -> None:
        """A request that nothing is wrong with but, perhaps, its key: so that there is much in everybody's way."""
        box = Box(LABELS[where], 0.0, 100.0, 0.0, 30.0)
        self.ask_for_intent(who, EVERY, id, [box], state, key, hang, uuid(11), "right", False, pick)

    def ask_for_intent(
        self,
        who: str,
        has: frozenset[str],
        id: str,
        given: list[Box],
        state: str,
        key: str,
        hang: str,
        name: str,
        choice: str,
        stray: bool,
        pick: Any,
    ) -> None:
        held = next((each for each in self.model.intents if each.id == id), None)
        who = self.settle(held, who, stray)
        version = self.version(held, choice)
        if version is None and not stray:
            state = "Accepted"
        there = [(each.kind, each.id, each.version) for each in (*self.model.intents, *self.model.constraints)]
        if key == "all but one" and there:
            there.remove(pick.choice(there))
        if key == "old":
            there = [(kind, each, number - 1) for kind, each, number in there]
        known = [] if key == "none" else [each for each in there if each in self.ovns]
        own = None if held is None else held.subscription
        if hang == "own" and own is None and not stray:
            hang = "new"
        if hang == "named" and not stray:
            mine = [each.id for each in self.model.subscriptions if each.manager == who]
            name = pick.choice(mine) if mine else name
        wish = IntentWish(
            boxes=[self.from_now(box) for box in given],
            state=state,
            key=frozenset(known),
            subscription={"own": own, "named": name, "both": name}.get(hang),
            new=hang in ("new", "new for constraints", "both"),
            new_constraints=hang == "new for constraints",
        )
        asked = IntentAsked(
            volumes=self.volumes(wish.boxes),
            state=IntentState(state),
            uss_base_url=f"https://{who}.example",
            key=frozenset(self.ovns[each] for each in known),
            subscription=wish.subscription,
            new_subscription=ImplicitAsked(f"https://{who}.example", wish.new_constraints) if wish.new else None,
        )
        asker, now, nonce = self.asker(who, has), self.desk.now, self.desk.nonce()

        def ours() -> Ruling:
            if version is None:
                return intents.create(self.ledger, asker, id, asked, now, nonce, STRICT)
            ovn = self.ovns.get(("intent", id, version), "not an ovn at all")
            return intents.update(self.ledger, asker, id, ovn, asked, now, nonce, STRICT)

        def theirs(ruling: Ruling | None) -> dict[str, int]:
            of = None if ruling is None else ruling.of
            fresh = of.subscription if isinstance(of, UtmIntent) else None
            return self.model.put_intent(who, has, id, version, wish, fresh or "no name")

        self.both(ours, theirs)

    @precondition(lambda self: self.model.intents or self.model.now > 20)
    @rule(who=managers, id=ids, old=st.sampled_from([0, 0, 0, 1]), which=st.integers(0, 7), stray=stray)
    def delete_intent(self, who: str, id: str, old: int, which: int, stray: bool) -> None:
        id = self.chosen(self.model.intents, id, which, stray)
        held = next((each for each in self.model.intents if each.id == id), None)
        who = self.settle(held, who, stray)
        version = 99 if held is None else held.version - old
        ovn = self.ovns.get(("intent", id, version), "not an ovn at all")
        asker = self.asker(who, frozenset({"sc"}))
        self.both(
            lambda: intents.delete(self.ledger, asker, id, ovn, self.desk.now),
            lambda _: self.model.delete_intent(who, id, version),
        )

    @rule(who=managers, id=ids, given=st.lists(boxes(), min_size=1, max_size=2), choice=versions, stray=stray)
    def put_constraint(self, who: str, id: str, given: list[Box], choice: str, stray: bool) -> None:
        held = next((each for each in self.model.constraints if each.id == id), None)
        who = self.settle(held, who, stray)
        version = self.version(held, choice)
        wish = [self.from_now(box) for box in given]
        asked = ConstraintAsked(self.volumes(wish), f"https://{who}.example")
        asker, nonce = Asker(who), self.desk.nonce()

        def ours() -> Ruling:
            if version is None:
                return constraints.create(self.ledger, asker, id, asked, self.desk.now, nonce, STRICT)
            ovn = self.ovns.get(("constraint", id, version), "not an ovn at all")
            return constraints.update(self.ledger, asker, id, ovn, asked, self.desk.now, nonce, STRICT)

        self.both(ours, lambda _: self.model.put_constraint(who, id, version, wish))

    @precondition(lambda self: self.model.constraints or self.model.now > 20)
    @rule(who=managers, id=ids, old=st.sampled_from([0, 0, 0, 1]), which=st.integers(0, 7), stray=stray)
    def delete_constraint(self, who: str, id: str, old: int, which: int, stray: bool) -> None:
        id = self.chosen(self.model.constraints, id, which, stray)
        held = next((each for each in self.model.constraints if each.id == id), None)
        who = self.settle(held, who, stray)
        version = 99 if held is None else held.version - old
        ovn = self.ovns.get(("constraint", id, version), "not an ovn at all")
        self.both(
            lambda: constraints.delete(self.ledger, Asker(who), id, ovn, self.desk.now),
            lambda _: self.model.delete_constraint(who, id, version),
        )

    @rule(
        who=managers,
        has=scopes,
        name=names,
        box=boxes(),
        start=late,
        end=st.sampled_from([None, None, 5.0, 40.0, 100.0, 130.0, 24 * 60.0]),
        flags=st.sampled_from([*[(True, False), (True, True), (False, True)] * 3, (False, False)]),
        choice=versions,
        implicit=st.booleans(),
        follow=st.booleans(),
        stray=stray,
        pick=st.randoms(use_true_random=False),
    )
    def put_subscription(
        self,
        who: str,
        has: frozenset[str],
        name: str,
        box: Box,
        start: float | None,
        end: float | None,
        flags: tuple[bool, bool],
        choice: str,
        implicit: bool,
        follow: bool,
        stray: bool,
        pick: Any,
    ) -> None:
        made = [each.id for each in self.model.subscriptions if each.implicit]
        if implicit and made:
            name = pick.choice(made)
        held = next((each for each in self.model.subscriptions if each.id == name), None)
        who = self.settle(held, who, stray)
        version = self.version(held, choice)
        starts, ends = (None if moment is None else moment + self.model.now for moment in (start, end))
        hanging = [part for each in self.model.intents if each.subscription == name for part in each.boxes]
        if follow and hanging:
            need = about(hanging)
            starts, ends = need.start + pick.choice([0.0, 3.0, 6.0]), need.end
            box = Box(LABELS["ab"], 0.0, 500.0, starts, ends)
        wish = SubscriptionWish(box, starts, ends, *flags)
        asked = SubscriptionAsked(self.volume(box, starts, ends), f"https://{who}.example", *flags)
        asker, nonce = self.asker(who, has), self.desk.nonce()

        def ours() -> Ruling:
            if version is None:
                return subscriptions.create(self.ledger, asker, name, asked, self.desk.now, nonce, STRICT)
            token = self.versions.get((name, version), "no version at all")
            return subscriptions.update(self.ledger, asker, name, token, asked, self.desk.now, nonce, STRICT)

        ruling, answer = self.both(ours, lambda _: self.model.put_subscription(who, has, name, version, wish))
        if ruling is not None:
            found = subscriptions.relevant(self.ledger, self.ledger.subscriptions[name], self.desk.now)
            listed = tuple(None if each is None else {one.id for one in each} for each in found)
            assert listed == answer

    @precondition(lambda self: self.model.subscriptions or self.model.now > 20)
    @rule(who=managers, name=names, old=st.sampled_from([0, 0, 0, 1]), which=st.integers(0, 7), stray=stray)
    def delete_subscription(self, who: str, name: str, old: int, which: int, stray: bool) -> None:
        name = self.chosen(self.model.subscriptions, name, which, stray)
        held = next((each for each in self.model.subscriptions if each.id == name), None)
        who = self.settle(held, who, stray)
        version = 99 if held is None else held.version - old
        token = self.versions.get((name, version), "no version at all")
        asker = self.asker(who, frozenset({"sc"}))
        self.both(
            lambda: subscriptions.delete(self.ledger, asker, name, token, self.desk.now),
            lambda _: self.model.delete_subscription(who, name, version),
        )

    @rule(who=managers, down=st.booleans())
    def say(self, who: str, down: bool) -> None:
        self.desk.say(who, Availability.DOWN if down else Availability.NORMAL)
        (self.model.down.add if down else self.model.down.discard)(who)

    @rule(count=st.sampled_from([0.5, 5.0, 5.0, 20.0, 100.0]))
    def pass_minutes(self, count: float) -> None:
        self.desk.pass_minutes(count)
        self.model.now += count

    @rule(who=managers, box=boxes(), wide=st.booleans())
    def search(self, who: str, box: Box, wide: bool) -> None:
        box = self.from_now(box)
        where, asker = self.volume(box, box.start, box.end), Asker(who)
        if wide:
            box = Box(box.where, -math.inf, math.inf, -math.inf, math.inf)
            where = UtmVolume(circle=where.circle)
        now = self.desk.now
        found = intents.query(self.ledger, asker, where, now), constraints.query(self.ledger, asker, where, now)
        assert ({each.id for each in found[0]}, {each.id for each in found[1]}) == self.model.search(box)
        for intent in found[0]:
            assert (intent.ovn == self.ledger.intents[intent.id].ovn) is (intent.manager == who)
        for constraint in found[1]:
            assert (constraint.ovn == self.ledger.constraints[constraint.id].ovn) is (constraint.manager == who)
        own = subscriptions.query(self.ledger, asker, where, now)
        assert {each.id for each in own} == self.model.search_subscriptions(who, box)

    # ── what holds at all times ──

    @invariant()
    def both_hold_the_same(self) -> None:
        assert {
            each.id: (each.manager, each.version, each.state, each.subscription) for each in self.model.intents
        } == {
            each.id: (each.manager, each.version, each.state.value, each.subscription)
            for each in self.ledger.intents.values()
        }
        assert {each.id: (each.manager, each.version) for each in self.model.constraints} == {
            each.id: (each.manager, each.version) for each in self.ledger.constraints.values()
        }
        assert {
            each.id: (each.manager, each.index, each.intents, each.constraints, each.implicit)
            for each in self.model.subscriptions
        } == {
            each.id: (each.manager, each.notification_index, each.for_intents, each.for_constraints, each.implicit)
            for each in self.ledger.subscriptions.values()
        }

    @invariant()
    def an_intent_hangs_on_a_subscription_that_is_there(self) -> None:
        hanging: dict[str, set[str]] = {}
        for intent in self.ledger.intents.values():
            if intent.subscription is not None:
                assert self.ledger.subscriptions[intent.subscription].manager == intent.manager
                hanging.setdefault(intent.subscription, set()).add(intent.id)
        assert {name: set(each) for name, each in self.ledger.dependents.items()} == hanging
        assert all(each.id in hanging for each in self.ledger.subscriptions.values() if each.implicit)

    def teardown(self) -> None:
        """The changes alone, folded anew, give the same ledger; every change has its number once."""
        anew = Ledger()
        for change in self.desk.changes:
            anew.take(change, f"{change.number:064x}")
            anew.take(change, "again")  # a change that was taken is passed over
        assert state_of(anew) == state_of(self.ledger)
        assert [change.number for change in self.desk.changes] == list(range(1, len(self.desk.changes) + 1))
        last: dict[str, int] = {}
        for change in self.desk.changes:
            last = {name: index for name, index in last.items() if name not in {each.id for each in change.gone}}
            last |= {each.id: each.notification_index for each in change.put if isinstance(each, UtmSubscription)}
            for told in change.told:
                assert told.index == last[told.subscription] + 1
                last[told.subscription] = told.index


TestDss = Dss.TestCase
TestDss.settings = settings(stateful_step_count=50)
