"""An audit from beginning to end, on this machine or on a Ray cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from keepclear.audit.findings import Findings
from keepclear.audit.job import Job, Rules, Slice, bounds
from keepclear.audit.parquet import Tracks, input_files
from keepclear.audit.parts import Parts, encoded
from keepclear.audit.slice_work import work
from keepclear.geometry.soundness import FIRST_S, LAST_S, no_time

ROWS_A_SLICE = 1_000_000

Progress = Callable[[int, int], None]
"""Told the slices done and the slices in all."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What an audit came to: rows read, slices, and findings by rule."""

    rows: int
    slices: int
    taken_over: int
    findings: Counter[str]


def audit(
    paths: Sequence[str],
    out: Path,
    rules: Rules,
    *,
    workers: int = 2,
    ray_address: str | None = None,
    rows_a_slice: int = ROWS_A_SLICE,
    progress: Progress | None = None,
) -> Summary:
    """Find all conflicts and encounters in Parquet files of tracks; `out` then holds `findings.parquet`.

    An audit that was cut off goes on where it stopped if it is asked again for the same. With `ray_address` ("local"
    for a cluster of its own on this machine) the slices are worked by Ray; every worker must see the files under the
    same names. The memory used grows with `workers` times `rows_a_slice`, not with the files.

    Raises `Malformed` for files that cannot be read, for rules that make no sense, for a folder with another audit, and
    for a part in it that was changed since.
    """
    files = input_files(paths)
    tracks = Tracks.of([file.path for file in files])
    rows, span = tracks.rows(), tracks.span_s()
    for end in span or ():
        if not FIRST_S <= end <= LAST_S:
            raise no_time(end, tracks.time)
    cut = bounds(*span, rows, rows_a_slice) if span is not None else ()
    job = Job(files=files, rules=rules.checked(), bounds_s=cut)
    parts = Parts.opened(out, job)
    missing = parts.missing()
    total = len(job.slices())
    done = total - len(missing)
    if progress is not None:
        progress(done, total)
    if ray_address is not None:
        from keepclear.audit.on_ray import worked_on_ray

        finished = worked_on_ray(job, missing, ray_address, workers)
    else:
        finished = _worked_here(tracks, job, missing, workers)
    for part, found in finished:
        parts.keep(part, found)
        done += 1
        if progress is not None:
            progress(done, total)
    return Summary(rows, total, total - len(missing), parts.finish())


def _worked_here(tracks: Tracks, job: Job, missing: Sequence[Slice], workers: int) -> Iterator[tuple[Slice, bytes]]:
    """What each slice found, as each is done; no more than `workers` are in hand at once."""
    waiting = iter(missing)
    with ThreadPoolExecutor(workers) as pool:
        in_hand: dict[Future[Findings], Slice] = {}
        try:
            while True:
                while len(in_hand) < workers and (part := next(waiting, None)) is not None:
                    in_hand[pool.submit(work, tracks, part, job.rules)] = part
                if not in_hand:
                    return
                for each in wait(in_hand, return_when=FIRST_COMPLETED).done:
                    yield in_hand.pop(each), encoded(each.result())
        finally:
            for each in in_hand:
                each.cancel()
