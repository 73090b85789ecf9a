"""`kill -9` while acts pour in: every row that was answered is there, once, in its place, and nothing is torn."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from keepclear.store import SqliteStore
from tests.store.rows import assert_whole, kept, new_row

WRITER = """
import random, sys
from keepclear.store import SqliteStore
from tests.store.rows import new_row
store = SqliteStore(sys.argv[1])
chance = random.Random(int(sys.argv[2]))
while True:
    number = store.size()
    batch = [new_row(number + i, size=chance.choice((40, 900, 60_000))) for i in range(chance.choice((1, 1, 7)))]
    for index in store.append(batch):
        print(index, flush=True)
    store.set_cursor("answered", store.size())
    print("cursor", store.size(), flush=True)
"""
KILLS = 25
SEED = 2017


def test_every_answered_row_survives(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    path = tmp_path / "node.db"
    answered = cursor = 0
    for kill in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(chance.randrange(2**32))], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            before = answered
            for _ in range(chance.randrange(1, 60)):
                word, _, value = writer.stdout.readline().rpartition(" ")
                if word:
                    cursor = int(value)
                else:
                    assert int(value) == answered, f"seed {SEED}, kill {kill}"
                    answered += 1
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout:  # answered before the kill, read after it
                if line.startswith("cursor ") and line.endswith("\n"):
                    cursor = int(line.split()[1])
                elif line.endswith("\n"):
                    answered += 1
        assert answered > before
        store = SqliteStore(path)
        rows = assert_whole(store)
        assert len(rows) >= answered, f"seed {SEED}, kill {kill}"
        assert store.cursor("answered") >= cursor
        for row in rows:
            assert row == kept(new_row(row.index, size=len(row.envelope)), row.index)
        answered = len(rows)
        store.close()
