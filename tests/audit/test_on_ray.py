"""An audit on a Ray cluster of two real worker processes, of which one is killed while it works."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from keepclear.audit.job import Rules
from keepclear.audit.run import audit
from tests.audit.test_run import findings
from tests.audit.tracks import write_tracks

pytest.importorskip("ray", reason="RAY IS NOT INSTALLED: audits on a cluster are not tested")

RULES = Rules(across_m=4_000.0, height_m=150.0, encounter_m=1_500.0)


def workers_at_work() -> list[int]:
    """The worker processes of this process's own cluster that are on a slice now."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                names[int(entry.name)] = (entry / "cmdline").read_bytes().split(b"\0")[0]
            except OSError:
                continue

    def is_ours(pid: int) -> bool:
        while pid in parents:
            if pid == os.getpid():
                return True
            pid = parents[pid]
        return False

    return [pid for pid, name in names.items() if name.startswith(b"ray::one") and is_ours(pid)]


def test_a_worker_that_is_killed_changes_nothing(tmp_path: Path) -> None:
    files = write_tracks(tmp_path, tracks=60)
    audit(files, tmp_path / "here", RULES, rows_a_slice=400)
    killed: list[int] = []

    def kill_one(done: int, total: int) -> None:
        if done and not killed and (at_work := workers_at_work()):
            os.kill(at_work[0], signal.SIGKILL)
            killed.append(at_work[0])

    summary = audit(
        files, tmp_path / "there", RULES, rows_a_slice=400, ray_address="local", workers=2, progress=kill_one
    )
    assert killed, "no worker was seen at work: the slices are too small for this test"
    assert summary.slices > 10
    assert findings(tmp_path / "there") == findings(tmp_path / "here")
