"""Identification service areas and the subscriptions to them, in the words of F3411."""

from __future__ import annotations

from datetime import datetime

import pytest
from msgspec.structs import replace

from keepclear.errors import Malformed, Refused
from keepclear.model.utm import EntityKind, RidArea, RidEdition, RidSubscription, Told, UtmPoint, UtmVolume
from keepclear.utm import areas, rid_subscriptions
from keepclear.utm.asked import RidAsked, Rules
from keepclear.utm.rid import WORDS
from keepclear.utm.ruling import Asker, NotAllowed, NotFound, Ruling, Stale, TooLarge, TooMany
from tests.utm.cast import (
    ALFA,
    BRAVO,
    FAR,
    HOME,
    ONE,
    OTHER_SUB,
    STRICT,
    SUB,
    T0,
    TWO,
    URL,
    Desk,
    minutes,
    state_of,
    uuid,
    volume,
)

V19, V22A = RidEdition.V19, RidEdition.V22A
DAY = 24 * 60.0
LATER = volume(times=(60, 120))


def asked(where: UtmVolume | None = None, *, by: Asker = ALFA, edition: RidEdition = V22A) -> RidAsked:
    return RidAsked(where or volume(), URL[by.sub], edition)


class Rid(Desk):
    """The ledger, asked of areas and of subscriptions to them."""

    def area(self, asker: Asker, id: str, what: RidAsked) -> Ruling:
        """Put an area: made if the id is free, else updated with its current version."""
        held = self.ledger.areas.get(id)
        if held is None:
            return self.take(areas.create(self.ledger, asker, id, what, self.now, self.nonce(), STRICT))
        return self.take(areas.update(self.ledger, asker, id, held.version, what, self.now, self.nonce(), STRICT))

    def watch(self, asker: Asker, id: str, what: RidAsked) -> RidSubscription:
        """Put a subscription, in the same way."""
        held = self.ledger.rid_subscriptions.get(id)
        if held is None:
            ruling = rid_subscriptions.create(self.ledger, asker, id, what, self.now, self.nonce(), STRICT)
        else:
            ruling = rid_subscriptions.update(
                self.ledger, asker, id, held.version, what, self.now, self.nonce(), STRICT
            )
        self.take(ruling)
        return self.ledger.rid_subscriptions[id]

    def remove(self, asker: Asker, id: str) -> Ruling:
        version = self.ledger.areas[id].version
        return self.take(areas.delete(self.ledger, asker, id, version, self.ledger.areas[id].edition, self.now))

    def found(self, where: UtmVolume | None = None, edition: RidEdition = V22A) -> list[str]:
        return [each.id for each in areas.query(self.ledger, where or looking(), edition, self.now)]

    def watching(self, asker: Asker, where: UtmVolume | None = None, edition: RidEdition = V22A) -> list[str]:
        found = rid_subscriptions.query(self.ledger, asker, where or looking(), edition, self.now)
        return [each.id for each in found]


def looking(at: tuple[float, float] = HOME, times: tuple[float | None, float | None] = (None, None)) -> UtmVolume:
    """Where somebody searches: of all heights, and of all times unless told otherwise."""
    return volume(at, heights=(None, None), times=times)


def refused(desk: Rid, kind: type[Refused], field: str, asker: Asker, id: str, what: RidAsked) -> None:
    """An area that is asked for is refused for what stands in this field; nothing has changed."""
    before = state_of(desk.ledger)
    with pytest.raises(kind) as caught:
        desk.area(asker, id, what)
    assert (type(caught.value), caught.value.field) == (kind, field)
    assert state_of(desk.ledger) == before


# ── areas ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_area_is_found_by_everybody_until_it_is_gone() -> None:
    desk = Rid()
    made = desk.area(ALFA, ONE, asked()).of
    assert isinstance(made, RidArea)
    assert (made.owner, made.uss_base_url, made.edition) == ("alfa", URL["alfa"], V22A)
    assert areas.get(desk.ledger, ONE, V22A) == made
    assert desk.found() == [ONE]
    assert desk.found(looking(FAR)) == []
    changed = desk.area(ALFA, ONE, asked(volume(FAR))).of
    assert isinstance(changed, RidArea)
    assert changed.version != made.version
    assert (desk.found(), desk.found(looking(FAR))) == ([], [ONE])
    assert desk.remove(ALFA, ONE).of == changed
    assert (desk.found(looking(FAR)), desk.ledger.areas) == ([], {})


def test_an_area_that_ended_is_read_by_its_id_and_not_found() -> None:
    desk = Rid()
    desk.area(ALFA, ONE, asked(volume(times=(0, 10))))
    desk.pass_minutes(10)
    assert desk.found() == [ONE]
    desk.pass_minutes(0.1)
    assert desk.found() == []
    assert areas.get(desk.ledger, ONE, V22A).id == ONE
    with pytest.raises(Stale):
        areas.create(desk.ledger, ALFA, ONE, asked(LATER), desk.now, desk.nonce(), STRICT)


@pytest.mark.parametrize(
    ("times", "there"),
    [((59, None), True), ((61, None), False), ((None, 1), True), ((None, -1), False), ((10, 20), True)],
)
def test_a_search_may_be_of_some_time(times: tuple[float | None, float | None], there: bool) -> None:
    desk = Rid()
    desk.area(ALFA, ONE, asked(volume(times=(0, 60))))
    assert desk.found(looking(times=times)) == ([ONE] if there else [])


def test_times_not_given_are_from_now_or_those_it_has() -> None:
    desk = Rid()
    refused(desk, Malformed, "extents.time_end", ALFA, ONE, asked(volume(times=(0, None))))
    made = desk.area(ALFA, ONE, asked(volume(times=(None, 60)))).of
    assert isinstance(made, RidArea)
    assert (made.volume.starts_at, made.volume.ends_at) == (T0, T0 + minutes(60))
    desk.pass_minutes(30)
    kept = desk.area(ALFA, ONE, asked(volume(times=(None, None)))).of
    assert isinstance(kept, RidArea)
    assert (kept.volume.starts_at, kept.volume.ends_at) == (T0, T0 + minutes(60))
    assert desk.area(ALFA, ONE, asked(volume(times=(0, 90)))).of == desk.ledger.areas[ONE]
    refused(desk, Malformed, "extents.time_start", ALFA, ONE, asked(volume(times=(1, 90))))


def squares(*corners: tuple[float, float]) -> UtmVolume:
    return replace(volume(), circle=None, polygon=tuple(UtmPoint(lat_deg=lat, lng_deg=lng) for lat, lng in corners))


HUGE = squares((34, 69), (34, 70), (35, 70), (35, 69))


@pytest.mark.parametrize(
    ("where", "field"),
    [
        (volume(times=(-6, 50)), "extents.time_start"),
        (volume(times=(-20, -10)), "extents.time_end"),
        (volume(times=(60, 0)), "extents.time_end"),
        (volume(heights=(100, 0)), "extents.volume.altitude_upper"),
        (volume(radius_m=60_000), "extents.volume.outline_circle"),
        (HUGE, "extents.volume.outline_polygon.vertices"),
        (squares((34, 69), (34, 69.1), (34.1, 69), (34, 69)), "extents.volume.outline_polygon.vertices[3]"),
    ],
)
def test_what_is_no_area_is_refused(where: UtmVolume, field: str) -> None:
    refused(Rid(), Malformed, field, ALFA, ONE, asked(where))


def test_what_is_refused_is_named_in_the_words_of_the_edition() -> None:
    desk = Rid()
    refused(desk, Malformed, "extents.spatial_volume.footprint.vertices", ALFA, ONE, asked(HUGE, edition=V19))
    heights = asked(volume(heights=(100, 0)), edition=V19)
    refused(desk, Malformed, "extents.spatial_volume.altitude_hi", ALFA, ONE, heights)
    refused(desk, Malformed, "flights_url", ALFA, ONE, RidAsked(volume(), "http://alfa.example/flights", V19))
    refused(desk, Malformed, "uss_base_url", ALFA, ONE, RidAsked(volume(), "http://alfa.example", V22A))
    lax = Rules(allow_http_base_urls=True)
    areas.create(desk.ledger, ALFA, ONE, RidAsked(volume(), "http://alfa.example", V22A), T0, "1", lax)
    assert WORDS[V19].subscription_url == "callbacks.identification_service_area_url"


def test_only_its_owner_changes_an_area_and_only_by_its_version() -> None:
    desk = Rid()
    first = desk.area(ALFA, ONE, asked()).of
    assert isinstance(first, RidArea)
    refused(desk, NotAllowed, "id", BRAVO, ONE, asked(by=BRAVO))
    held = desk.area(ALFA, ONE, asked()).of
    assert isinstance(held, RidArea)
    for version, kind in (
        (first.version, Stale),
        (held.version[1:-1], Stale),
        ("", Malformed),
        ("notacorrectversion", Malformed),
        (held.version + "0", Malformed),
    ):
        with pytest.raises(kind):
            areas.delete(desk.ledger, ALFA, ONE, version, V22A, desk.now)
        with pytest.raises(kind):
            areas.update(desk.ledger, ALFA, ONE, version, asked(), desk.now, desk.nonce(), STRICT)
    with pytest.raises(NotAllowed):
        areas.delete(desk.ledger, BRAVO, ONE, held.version, V22A, desk.now)
    with pytest.raises(Malformed) as missing:
        areas.update(desk.ledger, ALFA, TWO, held.version, asked(), desk.now, desk.nonce(), STRICT)
    assert missing.value.code == "utm_not_here"
    with pytest.raises(NotFound):
        areas.delete(desk.ledger, ALFA, TWO, held.version, V22A, desk.now)
    with pytest.raises(NotFound):
        areas.get(desk.ledger, TWO, V22A)
    assert desk.ledger.areas == {ONE: held}


def test_too_large_a_search_is_refused() -> None:
    desk = Rid()
    with pytest.raises(TooLarge) as caught:
        areas.query(desk.ledger, replace(HUGE, starts_at=None, ends_at=None), V22A, T0)
    assert caught.value.field == "area.vertices"
    with pytest.raises(TooLarge):
        rid_subscriptions.query(desk.ledger, ALFA, HUGE, V22A, T0)
    with pytest.raises(Malformed) as loop:
        areas.query(desk.ledger, squares((34, 69), (34, 69.1), (34.1, 69), (34, 69)), V22A, T0)
    assert loop.value.field == "area.vertices[3]"


# ── who is told ──────────────────────────────────────────────────────────────────────────────────────────────────────


def told(ruling: Ruling) -> dict[str, tuple[int, str, bool]]:
    return {each.subscription: (each.index, each.url, each.rid) for each in ruling.told}


def test_who_subscribes_where_an_area_was_or_is_hears_of_it_by_number() -> None:
    desk = Rid()
    desk.watch(BRAVO, SUB, asked(by=BRAVO))
    desk.watch(ALFA, OTHER_SUB, asked(volume(FAR)))
    assert told(desk.area(ALFA, ONE, asked())) == {SUB: (1, URL["bravo"], True)}
    assert told(desk.area(ALFA, ONE, asked(volume(FAR)))) == {
        SUB: (2, URL["bravo"], True),
        OTHER_SUB: (1, URL["alfa"], True),
    }
    assert told(desk.remove(ALFA, ONE)) == {OTHER_SUB: (2, URL["alfa"], True)}
    indices = {id: each.notification_index for id, each in desk.ledger.rid_subscriptions.items()}
    assert indices == {SUB: 2, OTHER_SUB: 2}


def test_nobody_hears_of_an_area_at_another_height_or_time_or_after_his_end() -> None:
    desk = Rid()
    desk.watch(BRAVO, SUB, asked(volume(times=(0, 30)), by=BRAVO))
    assert desk.area(ALFA, ONE, asked(volume(heights=(500, 600)))).told == ()
    assert desk.area(ALFA, TWO, asked(volume(times=(40, 60)))).told == ()
    desk.pass_minutes(31)
    assert desk.area(ALFA, uuid(3), asked(LATER)).told == ()


def test_a_subscription_says_what_is_there_already() -> None:
    desk = Rid()
    desk.area(ALFA, ONE, asked())
    desk.area(ALFA, TWO, asked(volume(FAR)))
    made = desk.watch(BRAVO, SUB, asked(by=BRAVO))
    assert [each.id for each in rid_subscriptions.relevant(desk.ledger, made, desk.now)] == [ONE]


# ── subscriptions ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_subscription_is_found_by_its_owner_and_read_by_everybody() -> None:
    desk = Rid()
    made = desk.watch(ALFA, SUB, asked())
    assert (desk.watching(ALFA), desk.watching(BRAVO), desk.watching(ALFA, looking(FAR))) == ([SUB], [], [])
    assert rid_subscriptions.get(desk.ledger, SUB, V22A) == made
    for asker, version, kind in (
        (BRAVO, made.version, NotAllowed),
        (ALFA, made.version[1:], Stale),
        (ALFA, "notacorrectversion", Malformed),
        (ALFA, "", Malformed),
    ):
        with pytest.raises(kind):
            rid_subscriptions.delete(desk.ledger, asker, SUB, version, V22A)
    gone = desk.take(rid_subscriptions.delete(desk.ledger, ALFA, SUB, made.version, V22A))
    assert gone.of == made
    assert desk.watching(ALFA) == []
    with pytest.raises(NotFound):
        rid_subscriptions.get(desk.ledger, SUB, V22A)


def ends(desk: Rid, times: tuple[float | None, float | None]) -> datetime | None:
    return desk.watch(ALFA, SUB, asked(volume(times=times))).volume.ends_at


def test_a_subscription_lasts_a_day_at_most_which_is_judged_first() -> None:
    desk = Rid()
    assert ends(desk, (None, None)) == T0 + minutes(DAY)
    assert ends(desk, (0, DAY)) == T0 + minutes(DAY)
    before = state_of(desk.ledger)
    for id in (SUB, OTHER_SUB):
        with pytest.raises(Malformed) as caught:  # under an id that is taken as well
            rid_subscriptions.create(
                desk.ledger, ALFA, id, asked(volume(times=(0, DAY + 1))), desk.now, desk.nonce(), STRICT
            )
        assert caught.value.code == "utm_too_long"
    with pytest.raises(Stale):
        rid_subscriptions.create(desk.ledger, ALFA, SUB, asked(), desk.now, desk.nonce(), STRICT)
    assert state_of(desk.ledger) == before


def test_a_subscription_that_ended_may_begin_anew_for_its_owner() -> None:
    desk = Rid()
    desk.watch(ALFA, SUB, asked(volume(times=(0, 10))))
    desk.area(ALFA, ONE, asked())
    assert desk.ledger.rid_subscriptions[SUB].notification_index == 1
    desk.pass_minutes(11)
    assert desk.watching(ALFA) == []
    with pytest.raises(Stale):
        rid_subscriptions.create(desk.ledger, BRAVO, SUB, asked(LATER), desk.now, desk.nonce(), STRICT)
    again = rid_subscriptions.create(desk.ledger, ALFA, SUB, asked(LATER), desk.now, desk.nonce(), STRICT)
    desk.take(again)
    assert desk.ledger.rid_subscriptions[SUB].notification_index == 0


def test_a_service_has_ten_subscriptions_in_one_area_at_whatever_height() -> None:
    desk = Rid()
    for number in range(10):
        desk.watch(ALFA, uuid(100 + number), asked(volume(heights=(number * 200, number * 200 + 100))))
    desk.watch(ALFA, uuid(200), asked(volume(FAR)))
    desk.watch(BRAVO, uuid(201), asked(by=BRAVO))
    before = state_of(desk.ledger)
    with pytest.raises(TooMany) as caught:
        desk.watch(ALFA, uuid(202), asked())
    assert caught.value.field == "extents"
    with pytest.raises(TooMany):
        desk.watch(ALFA, uuid(200), asked())  # moves in
    assert state_of(desk.ledger) == before
    desk.watch(ALFA, uuid(100), asked())  # one of the ten is changed
    desk.pass_minutes(61)
    desk.watch(ALFA, uuid(202), asked(LATER))  # the ten have ended


def test_ten_are_counted_where_they_are_not_wherever_a_large_one_meets_them() -> None:
    desk = Rid()
    for number in range(10):
        desk.watch(ALFA, uuid(100 + number), asked(volume((HOME[0] + 0.1 * number, HOME[1]))))
    wide = squares((34.5, 69.15), (34.5, 69.25), (35.5, 69.25), (35.5, 69.15))
    desk.watch(ALFA, SUB, asked(wide))


# ── the editions ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_editions_see_nothing_of_each_other_but_that_an_id_is_taken() -> None:
    desk = Rid()
    desk.watch(BRAVO, SUB, asked(by=BRAVO, edition=V19))
    desk.watch(BRAVO, OTHER_SUB, asked(by=BRAVO, edition=V22A))
    ruling = desk.area(ALFA, ONE, asked(edition=V19))
    assert ruling.told == (Told(subscription=SUB, index=1, url=URL["bravo"], rid=True),)
    assert (desk.found(edition=V19), desk.found(edition=V22A)) == ([ONE], [])
    assert (desk.watching(BRAVO, edition=V19), desk.watching(BRAVO, edition=V22A)) == ([SUB], [OTHER_SUB])
    with pytest.raises(NotFound):
        areas.get(desk.ledger, ONE, V22A)
    with pytest.raises(NotFound):
        rid_subscriptions.get(desk.ledger, SUB, V22A)
    version = desk.ledger.areas[ONE].version
    with pytest.raises(NotFound):
        areas.delete(desk.ledger, ALFA, ONE, version, V22A, desk.now)
    with pytest.raises(Malformed):
        areas.update(desk.ledger, ALFA, ONE, version, asked(), desk.now, desk.nonce(), STRICT)
    with pytest.raises(Stale):
        areas.create(desk.ledger, ALFA, ONE, asked(), desk.now, desk.nonce(), STRICT)
    assert desk.ledger.register(EntityKind.AREA)[ONE] == ruling.of
