"""What commands print: words in both languages, times, lengths of time, values that keep their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import get_args

import pytest

from keepclear.cli.options import read_time
from keepclear.cli.play import read_speed
from keepclear.cli.speak import Speaker, how_long, moment, short
from keepclear.errors import Malformed
from keepclear.line.procedure import OBJECTIONS
from keepclear.line.state import THREAD_KINDS
from keepclear.model.acts import Act, Hop, Inside, Reply
from keepclear.model.basis import BasisKind
from keepclear.model.coverage import CoverageState
from keepclear.model.findings import FindingKind
from keepclear.model.statements import Verdict
from keepclear.model.tracks import SensorClass
from keepclear.phrases import LANGUAGES, catalogue, placeholders

STATES: dict[str, tuple[str, ...]] = {
    "line": ("up", "unchecked", "down", "suspended", "own"),
    "group": ("unknown", "moving", "halted", "waiting", "lost_contact"),
    "recipient": ("queued", "delivered", "opened", "read_back_wrong", "received", "acknowledged", "passed"),
    "notice": ("announced", "received", "cancelled", "ended"),
    "clear_request": ("waiting", "answered", "reported_clear", "given_back", "expired", "refused", "cancelled"),
    "proposal": ("waiting", "answered", "cancelled"),
    "danger_call": ("calling", "taken", "closed"),
    "agreement": ("stated", "consented"),
    "responsibility": ("offered", "accepted", "declined", "asserted"),
    "statement": ("filed",),
    "read": ("grid", "starts_at", "ends_at", "lower_wgs84_m", "upper_wgs84_m"),
    "thread": tuple(THREAD_KINDS.values()),
    "act": tuple(str(kind.__struct_config__.tag) for kind in get_args(Act)),
    "without_effect": OBJECTIONS,
}
KINDS: dict[str, type[StrEnum]] = {
    "hop": Hop,
    "reply": Reply,
    "inside": Inside,
    "sensor": SensorClass,
    "basis": BasisKind,
    "verdict": Verdict,
    "coverage": CoverageState,
}
CODES = sorted(
    {(group, code) for group, codes in STATES.items() for code in codes}
    | {(group, str(code)) for group, codes in KINDS.items() for code in codes}
)


@pytest.mark.parametrize(("group", "code"), CODES)
def test_every_code_a_table_shows_has_a_word_in_both_languages(group: str, code: str) -> None:
    english, arabic = (Speaker(lang).word(group, code) for lang in LANGUAGES)
    assert "_" not in english
    assert arabic not in (code, Speaker("ar").value(code))


def test_a_sentence_has_its_figures_with_their_units() -> None:
    reason = {"count": 17.0, "claimed": 11.0}
    english, arabic = Speaker("en"), Speaker("ar")
    told = english.sentence("verdicts.reason.counts_differ", reason, "x")
    assert told == "the counts differ. Record: 17. Claim: 11"
    assert "\u206617\u2069" in arabic.sentence("verdicts.reason.counts_differ", reason, "x")
    late = english.sentence("findings.late", {"subjects": "convoy", "late_s": 12_000.0}, "x")
    assert late == "Late: convoy. By: 3 h 20 min"
    off = english.sentence("findings.off_route", {"subjects": "convoy", "off_route_m": 9_260.0}, "x")
    assert off == "Off its route: convoy. By: 9.3 km"
    assert english.sentence("verdicts.reason.never_heard_of", {}, "never_heard_of") == "never_heard_of"
    assert english.sentence("findings.late", {}, "late: convoy") == "late: convoy"


@pytest.mark.parametrize("kind", list(FindingKind))
def test_every_finding_has_a_sentence_in_both_languages(kind: FindingKind) -> None:
    for lang in LANGUAGES:
        phrase = catalogue(lang)[f"findings.{kind}"]
        values = {name: 1.0 if name.endswith(("_m", "_s")) else "x" for name in placeholders(phrase)}
        assert Speaker(lang).sentence(f"findings.{kind}", values, "missing") != "missing"


def test_a_code_without_a_word_is_shown_as_it_is() -> None:
    assert Speaker("en").word("hop", "never_heard_of") == "never_heard_of"
    assert Speaker("ar").word("hop", "never_heard_of") == "\u2066never_heard_of\u2069"
    assert Speaker("en").word("hop", None) == "–"
    assert Speaker("en").status("clear_request", "expired") == "expired, not given back"


def test_times_are_written_and_read_one_way() -> None:
    at = datetime(2017, 9, 8, 7, 0, tzinfo=UTC)
    assert moment(at) == "2017-09-08 07:00Z"
    assert moment(at.astimezone(timezone(timedelta(hours=3)))) == "2017-09-08 07:00Z"
    assert moment(at.replace(second=5)) == "2017-09-08 07:00:05Z"
    for text in ("2017-09-08 07:00Z", "2017-09-08T07:00:00Z", " 2017-09-08T07:00:00.000Z "):
        assert read_time(text, "at") == at


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2017-09-08 07:00", "2017-09-08T07:00:00+03:00", "07:00Z", "2017-13-01Z"]
)
def test_a_time_without_its_zone_is_no_time(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_time(text, "at")
    assert refused.value.field == "at"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (12000, "3 h 20 min"),
     (172_800, "2 d"), (190_000, "2 d 4 h")],
)  # fmt: skip
def test_lengths_of_time(seconds: float | None, text: str) -> None:
    assert how_long(seconds) == text


def test_ids_are_shortened_and_values_keep_their_order() -> None:
    assert short("3f9a2c41" + "0" * 56) == "3f9a2c41"
    assert short(None) == "–"
    assert Speaker("ar").value("37SEU045674") == "\u206637SEU045674\u2069"
    assert Speaker("en").value(12345.6) == "12,346"


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("story", 0.0), ("600", 600.0), ("0.5", 0.5)])
def test_a_speed_is_read(text: str, speed: float | None) -> None:
    assert read_speed(text) == speed


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "1e7", "fast"])
def test_a_speed_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_speed(text)
    assert refused.value.field == "speed"
