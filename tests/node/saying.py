"""What the cast says in these tests: small, sound acts."""

from __future__ import annotations

from datetime import datetime, timedelta

from keepclear.geometry.grids import to_mgrs
from keepclear.model import acts as a
from keepclear.model.acts import Act, Said
from keepclear.model.base import Name, Words
from keepclear.model.basis import Basis, BasisKind
from keepclear.model.groups import AssetKind
from keepclear.model.places import LatLon, PlaceNames
from keepclear.model.plans import Plan, PlanKind
from keepclear.model.times import Window
from keepclear.model.tracks import Fix, SensorClass, Track
from keepclear.model.volumes import AltitudeBand, Circle, Volume

OFFICER = "watch officer"
LAT, LON = 35.0, 40.0
GRID = to_mgrs(LAT, LON)
BAND = AltitudeBand(lower_wgs84_m=0.0, upper_wgs84_m=3000.0)


def said(act: Act, exercise: bool = False) -> Said:
    return Said(role=OFFICER, act=act, exercise=exercise)


def words(text: str) -> Words:
    return Words(text=text, lang="en")


def window(now: datetime, hours: float = 6.0) -> Window:
    return Window(starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=1 + hours))


def volume(now: datetime) -> Volume:
    return Volume(area=Circle(centre=LatLon(lat_deg=LAT, lon_deg=LON), radius_m=5000.0), band=BAND, window=window(now))


def names() -> tuple[PlaceNames, ...]:
    return (PlaceNames(grid=GRID, nearest=Name(en="Humaimah", ar="حميمة"), bearing_deg=90.0, distance_m=12_000.0),)


def plan(now: datetime, id: str = "forces-east") -> Plan:
    return Plan(
        id=id,
        kind=PlanKind.GROUND_MOVEMENT,
        name=Name(en="Movement east", ar="تحرك شرقاً"),
        window=window(now),
        band=BAND,
        volumes=(volume(now),),
        names=names(),
    )


def notice(now: datetime, *to: str, id: str = "forces-east") -> Said:
    return said(a.Notice(to=to, plan=plan(now, id)))


def read_back(re: str, now: datetime, right: bool = True) -> Said:
    grid = GRID if right else to_mgrs(LAT + 0.1, LON)
    return said(a.ReadBack(re=re, grid=grid, window=window(now), band=BAND))


def danger(*to: str, text: str = "People are in danger here") -> Said:
    return said(a.DangerCall(to=to, words=words(text)))


def proposal(now: datetime, *to: str, topic: str = "corridor") -> Said:
    words_ = words("Keep the road free until noon")
    return said(a.Proposal(to=to, topic=topic, words=words_, answer_by=now + timedelta(hours=2)))


def positions(now: datetime, asset: str = "bus-1", lat_deg: float = LAT) -> Said:
    fix = Fix(at=now, lat_deg=lat_deg, lon_deg=LON, uncertainty_m=50.0)
    basis = Basis(kind=BasisKind.OBSERVED)
    track = Track(asset=asset, kind=AssetKind.BUS, sensor=SensorClass.TRACKER, fixes=(fix,), basis=basis)
    return said(a.Positions(tracks=(track,)))
