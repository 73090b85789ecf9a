"""PostGIS: whole trajectories as lines with height and time, an n-dimensional GiST over them, and ST_CPAWithin."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.brute import Pairs
from bench.flat import Flat
from bench.ways import START_S

if TYPE_CHECKING:
    import psycopg

PREPARE = "set jit = off; set max_parallel_workers_per_gather = 0; set enable_seqscan = off"
_SETTINGS = ("shared_buffers=512MB", "fsync=off", "listen_addresses=", "max_parallel_workers=0")


def programs() -> Path | None:
    """Where the newest installed PostgreSQL that knows PostGIS has its programs."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    share = Path("/usr/share/postgresql")
    with_postgis = [path for path in found if (share / path.parent.name / "extension" / "postgis.control").exists()]
    return max(with_postgis, key=lambda path: int(path.parent.name), default=None)


@contextmanager
def server() -> Iterator[psycopg.Connection[Any]]:
    """A connection to a server of our own, reached through a socket in a scratch folder and through nothing else.

    PostgreSQL will not run as root; then it runs as the user its package made.
    """
    import psycopg

    place = programs()
    assert place is not None
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="bench-postgis-"))
    try:
        if user:
            account = pwd.getpwnam(user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        data = folder / "data"

        def run(*command: str) -> None:
            subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

        run(str(place / "initdb"), "-D", str(data), "-A", "trust", "-U", "bench", "--no-sync")
        options = " ".join(f"-c {setting}" for setting in (*_SETTINGS, f"unix_socket_directories={folder}"))
        run(str(place / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            with psycopg.connect(host=str(folder), user="bench", dbname="postgres", autocommit=True) as connection:
                connection.execute("create extension postgis")
                connection.execute(PREPARE)
                yield connection
        finally:
            run(str(place / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lines(flat: Flat, which: Sequence[int]) -> list[tuple[int, str]]:
    """The ways as text that PostGIS reads: lines of points with height and time, seconds of the day (its boxes are
    of single precision)."""
    rows = []
    for i in which:
        t, xyz = flat.way(i)
        stops = ",".join(f"{x:.9f} {y:.9f} {z:.9f} {at - START_S:.6f}" for at, (x, y, z) in zip(t, xyz, strict=True))
        rows.append((i, f"LINESTRING ZM({stops})"))
    return rows


def load(connection: psycopg.Connection[Any], flat: Flat, count: int | None = None) -> None:
    """The table `ways` of the first `count` ways (None: all), with its index."""
    connection.execute("drop table if exists ways")
    connection.execute("create table ways (way int primary key, line geometry)")
    with connection.cursor().copy("copy ways from stdin") as rows:
        for row in _lines(flat, range(len(flat) if count is None else count)):
            rows.write_row(row)
    connection.execute("create index on ways using gist (line gist_geometry_ops_nd)")
    connection.execute("vacuum analyze ways")


def pairs(connection: psycopg.Connection[Any], reach_m: float, sample: int) -> Pairs:
    """The pairs of ways nearer than `reach_m`, by boxes of four dimensions and then ST_CPAWithin.

    Of the lower numbers of the pairs every so manieth is looked at, `sample` in all.
    """
    many = connection.execute("select count(*) from ways").fetchone()
    assert many is not None
    some = f"a.way % {many[0] // sample} = 0"
    rows = connection.execute(
        f"select a.way, b.way from ways a join ways b on {_near(reach_m)} and a.way < b.way where {some}"
    )
    return {(int(a), int(b)) for a, b in rows}


def check(connection: psycopg.Connection[Any], i: int, reach_m: float) -> set[int]:
    """The ways with numbers below i that way i comes near."""
    rows = connection.execute(
        f"select b.way from ways a join ways b on {_near(reach_m)} and b.way < a.way where a.way = {i}"
    )
    return {int(b) for (b,) in rows}


def insert(connection: psycopg.Connection[Any], flat: Flat, i: int) -> None:
    """Put one way into the table."""
    connection.execute("insert into ways values (%s, %s)", _lines(flat, [i])[0])


def _near(reach_m: float) -> str:
    """The box of one way, grown in space and not in time, against the other's; then the truth."""
    grown = (
        "st_makeline("
        f"st_makepoint(st_xmin(a.line) - {reach_m}, st_ymin(a.line) - {reach_m}, st_zmin(a.line) - {reach_m},"
        " st_m(st_startpoint(a.line))), "
        f"st_makepoint(st_xmax(a.line) + {reach_m}, st_ymax(a.line) + {reach_m}, st_zmax(a.line) + {reach_m},"
        " st_m(st_endpoint(a.line))))"
    )
    return f"b.line &&& {grown} and st_cpawithin(a.line, b.line, {reach_m})"
