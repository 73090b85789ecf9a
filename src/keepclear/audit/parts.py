"""An audit's folder: the job, what each slice found, and at the end one file with everything.

`job.json` is what was asked. `parts/` holds one Parquet file for each slice that is done; a file appears whole or not
at all, so an audit that was cut off goes on where it stopped. `findings.parquet` is made of them at the end.
"""

from __future__ import annotations

import io
import os
from collections import Counter
from dataclasses import fields
from pathlib import Path

import msgspec
import numpy as np
import pyarrow
from pyarrow import parquet

from keepclear.audit.findings import AcrossBounds, Findings
from keepclear.audit.job import Job, Slice
from keepclear.errors import Malformed

TEXTS = ("rule", "a", "b")
TIMES = ("starts_s", "ends_s", "nearest_s")


def _begin(folder: Path, job: Job) -> None:
    """A new folder for a job; nothing is changed in one in which somebody else began at this moment."""
    try:
        (folder / "parts").mkdir(parents=True, exist_ok=True)
        fresh = _fresh(folder / "job.json", msgspec.json.format(msgspec.json.encode(job)))
        try:
            (folder / "job.json").hardlink_to(fresh)
        except FileExistsError:
            pass
        except OSError:  # a disk without links
            fresh.replace(folder / "job.json")
        fresh.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        message = f"{folder} cannot be used: {why}"
        raise Malformed(message, field="out", code="folder_unusable", path=str(folder), why=why) from None


def _is_new(folder: Path) -> bool:
    """Whether nothing is in a folder, or no more than what an audit leaves that was cut off as it began."""
    try:
        begun = {each.name for each in folder.iterdir() if not each.name.startswith(".job.json.")}
        return begun <= {"parts"} and not (begun and any((folder / "parts").iterdir()))
    except OSError:  # there is none, or it is no folder
        return True


class Parts:
    """The folder of one audit."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.folder = folder
        self.job = job

    @classmethod
    def opened(cls, folder: Path, job: Job) -> Parts:
        """A new folder, or one in which the same job was begun. Raises `Malformed` if another is in it."""
        asked = folder / "job.json"
        if not asked.exists():
            if not _is_new(folder) and not asked.exists():
                raise Malformed("the folder is not empty", field="out", code="not_empty", path=str(folder))
            _begin(folder, job)
        try:
            before = msgspec.json.decode(asked.read_bytes(), type=Job)
        except msgspec.DecodeError:
            before = None
        if before != job:
            raise Malformed("another audit is in this folder", field="out", code="other_audit", path=str(folder))
        return cls(folder, job)

    def missing(self) -> list[Slice]:
        """The slices that are not done yet."""
        return [part for part in self.job.slices() if not self._path(part).exists()]

    def keep(self, part: Slice, found: bytes) -> None:
        """Keep what a slice found (`encoded`); on disk when this returns."""
        _write(self._path(part), found)

    def finish(self) -> Counter[str]:
        """Make `findings.parquet` of all parts, slice by slice; how many findings there are by rule.

        Raises `Malformed` naming a part that is not as it was written: without its file it is worked again.
        """
        across, count, fresh = AcrossBounds(), Counter[str](), self.folder / f".findings.{os.getpid()}"
        with parquet.ParquetWriter(fresh, _schema(), compression="zstd") as writer:
            for part in self.job.slices():
                done = across.add(_kept(self._path(part)), part.upto_s)
                count.update(done.rule.tolist())
                writer.write_table(_shown(done))
            rest = across.rest()
            count.update(rest.rule.tolist())
            writer.write_table(_shown(rest))
        fresh.replace(self.folder / "findings.parquet")
        return count

    def _path(self, part: Slice) -> Path:
        return self.folder / "parts" / f"{part.number:06d}.parquet"


def encoded(found: Findings) -> bytes:
    """Findings as they are kept and sent: Parquet, times in seconds."""
    columns = {field.name: getattr(found, field.name) for field in fields(found)}
    kinds = {name: pyarrow.string() if name in TEXTS else pyarrow.float64() for name in columns}
    table = pyarrow.table({name: pyarrow.array(column, kinds[name]) for name, column in columns.items()})
    held = io.BytesIO()
    parquet.write_table(table, held, compression="zstd")
    return held.getvalue()


def decoded(kept: bytes) -> Findings:
    """The findings of `encoded`."""
    table = parquet.read_table(pyarrow.BufferReader(kept))
    return Findings(**{name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names})


def _kept(path: Path) -> Findings:
    """The findings in the file of a part."""
    try:
        return decoded(path.read_bytes())
    except (OSError, pyarrow.ArrowException, ValueError, TypeError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Malformed(f"this table cannot be read: {why}", field=str(path), code="not_table", why=why) from None


def _schema() -> pyarrow.Schema:
    moment = pyarrow.timestamp("us", tz="UTC")
    kinds = [
        (field.name.removesuffix("_s") + "_at" if field.name in TIMES else field.name, field.name)
        for field in fields(Findings)
    ]
    return pyarrow.schema(
        [
            (shown, pyarrow.string() if name in TEXTS else moment if name in TIMES else pyarrow.float64())
            for shown, name in kinds
        ]
    )


def _shown(found: Findings) -> pyarrow.Table:
    """As in `findings.parquet`: moments in UTC, a NaN as no value."""
    schema = _schema()
    columns = []
    for field, kind in zip(fields(found), schema.types, strict=True):
        column = getattr(found, field.name)
        if field.name in TIMES:
            missing = np.isnan(column)
            column = pyarrow.array(np.round(np.where(missing, 0.0, column) * 1e6).astype(np.int64), mask=missing)
        columns.append(pyarrow.array(column, from_pandas=True).cast(kind))
    return pyarrow.table(columns, schema=schema)


def _write(path: Path, content: bytes) -> None:
    _fresh(path, content).replace(path)


def _fresh(path: Path, content: bytes) -> Path:
    """A file beside the one it is to become, on disk."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return fresh
