"""Plans in GPX 1.1: tracks and routes whose points have times. The shape, with an example, is in docs/formats.md.

Read with expat, which is handed no document type: one that is there is refused before any entity could be declared, so
that nothing can be expanded or fetched. Elements that GPX 1.1 does not know are refused, outside `extensions`.
"""

from __future__ import annotations

import re
from collections import Counter
from xml.parsers import expat

import numpy as np

from keepclear.errors import Malformed
from keepclear.formats.draft import Draft, Found, plans_of, seconds
from keepclear.geometry.columns import KINDS, Datum
from keepclear.model.plans import PlanKind

MAX_BYTES = 256 * 2**20
MAX_DEPTH = 30
MAX_TEXT = 1_000
NAMESPACE = "http://www.topografix.com/GPX/1/1"

_ABOUT = {"cmt", "desc", "src", "link", "number", "extensions"}
_ABOUT_POINTS = {"magvar", "geoidheight", "name", "cmt", "desc", "src", "link", "sym", "type", "fix", "sat"} | {
    *("hdop", "vdop", "pdop", "ageofdgpsdata", "dgpsid", "extensions")
}
_TAKEN = {
    "gpx": {"trk", "rte"},
    "trk": {"name", "type", "trkseg"},
    "rte": {"name", "type", "rtept"},
    "trkseg": {"trkpt"},
    "trkpt": {"ele", "time"},
    "rtept": {"ele", "time"},
}
_PASSED_OVER = {
    "gpx": {"metadata", "wpt", "extensions"},
    "trk": _ABOUT,
    "rte": _ABOUT,
    "trkseg": {"extensions"},
    "trkpt": _ABOUT_POINTS,
    "rtept": _ABOUT_POINTS,
}
_TEXTS = {"name", "type", "ele", "time"}
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_SPACE = " \t\r\n"


def read_plans(content: bytes, name: str) -> Found:
    """The plans of a GPX text, one for each segment of a track and each route; heights are above mean sea level.

    They are called by the `name` of their track or route (`name#1`, `name#2` by their place if it has none), further
    segments of one track with `#2`, `#3` after it. `type` is the kind, where it is one of ours; else they are flights.
    Way-points outside of routes, and segments of one point, are left out and counted. Malformed naming the element.
    """
    if len(content) > MAX_BYTES:
        raise Malformed(f"more than {MAX_BYTES} bytes", code="too_large")
    reader = _Reader(name)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.document_type
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError, TypeError) as error:  # the last three: encodings that are none
        raise Malformed(f"not XML: {error}", code="not_xml", why=str(error)) from None
    return Found(plans_of(reader.drafts), reader.left_out)


class _Reader:
    """What expat calls, and what was found so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.drafts: list[Draft] = []
        self.left_out: Counter[str] = Counter()
        self.open: list[str] = []
        """The elements around, without the namespace."""
        self.passing = 0
        """How many elements deep in one that is passed over."""
        self.counts: Counter[str] = Counter()
        """How many elements of a name there were within the one around them."""
        self.texts: dict[str, str] = {}
        """Of the track or route, and of the point."""
        self.place = (0.0, 0.0)
        self.points: list[tuple[float, float, float, float]] = []
        self.segments: list[list[tuple[float, float, float, float]]] = []

    def document_type(self, *_: object) -> None:
        raise Malformed("a document type or entity is not taken", code="document_type")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self.open) + self.passing >= MAX_DEPTH:
            raise Malformed("nested too deep", code="too_deep")
        if self.passing:
            self.passing += 1
            return
        space, _, name = tag.rpartition(" ")
        if not self.open:
            if (space, name) != (NAMESPACE, "gpx"):
                raise Malformed(f"not a gpx element of {NAMESPACE}", field=name, code="not_gpx", namespace=NAMESPACE)
        elif space != NAMESPACE or name not in _TAKEN.get(self.open[-1], ()):
            if space == NAMESPACE and name in _PASSED_OVER.get(self.open[-1], ()):
                self.left_out["way_points"] += name == "wpt"
                self.passing = 1
                return
            raise Malformed(f"GPX 1.1 has no {name} there", field=f"{self.where()}.{name}", code="unknown_field")
        self.open.append(name)
        self.counts[name] += 1
        if name in ("trk", "rte"):
            self.texts, self.segments, self.points = {}, [], []
            self.counts["trkseg"] = self.counts["rtept"] = 0
        elif name == "trkseg":
            self.points = []
            self.counts["trkpt"] = 0
        elif name in ("trkpt", "rtept"):
            lat, lon = (self.decimal(attributes.get(each), each) for each in ("lat", "lon"))
            self.place = lat, lon
            self.texts.pop("ele", None)
            self.texts.pop("time", None)
        elif name in _TEXTS:
            if name in self.texts:
                raise Malformed(f"{name} is given twice", field=self.where(), code="duplicate_field")
            self.texts[name] = ""

    def text(self, text: str) -> None:
        if self.passing or not self.open or self.open[-1] not in _TEXTS:
            if not self.passing and text.strip(_SPACE):
                raise Malformed("text where there is none in GPX", field=self.where(), code="unknown_field")
            return
        whole = self.texts[self.open[-1]] + text
        if len(whole) > MAX_TEXT:
            raise Malformed(f"more than {MAX_TEXT} characters", field=self.where(), code="too_long")
        self.texts[self.open[-1]] = whole

    def end(self, _: str) -> None:
        if self.passing:
            self.passing -= 1
            return
        name = self.open[-1]
        if name in ("trkpt", "rtept"):
            at, height = self.texts.get("time"), self.texts.get("ele")
            if at is None:
                raise Malformed("a point needs its time", field=f"{self.where()}.time", code="missing_field")
            t_s = seconds(at.strip(_SPACE), f"{self.where()}.time")
            self.points.append((t_s, *self.place, np.nan if height is None else self.decimal(height, "ele")))
        elif name == "trkseg":
            self.segments.append(self.points)
        elif name == "rte":
            self.segments = [self.points]
        if name in ("trk", "rte"):
            self.finish()
        self.open.pop()

    def finish(self) -> None:
        """A track or route has ended: its segments are plans."""
        id = self.texts.get("name", "").strip(_SPACE) or f"{self.name}#{self.counts['trk'] + self.counts['rte']}"
        kind = self.texts.get("type", "").strip(_SPACE)
        for part, points in enumerate(each for each in self.segments if len(each) > 1):
            self.drafts.append(
                Draft(
                    id=id if part == 0 else f"{id}#{part + 1}",
                    kind=PlanKind(kind) if kind in KINDS else PlanKind.FLIGHT,
                    datum=Datum.MSL,
                    points=np.array(points),
                )
            )
        self.left_out["single_points"] += sum(len(each) == 1 for each in self.segments)

    def decimal(self, text: str | None, name: str) -> float:
        if text is None or not _DECIMAL.fullmatch(text.strip(_SPACE)):
            raise Malformed("a decimal number is needed", field=f"{self.where()}.{name}", code="not_numbers")
        return float(text)

    def where(self) -> str:
        """The path to the element that is read, such as `trk[0].trkseg[1].trkpt[3]`."""
        counted = ("trk", "rte", "trkseg", "trkpt", "rtept")
        steps = [f"{each}[{self.counts[each] - 1}]" if each in counted else each for each in self.open[1:]]
        return ".".join(steps) or "gpx"
