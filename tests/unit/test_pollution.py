"""What comes back of a file that was spoiled in every way that files are spoiled."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.mill import pollution
from worker.handlers.contract import Context
from worker.handlers.profile import profile

EVERY = 28
MOST_LOST = 0.03


def test_little_is_lost_of_polluted_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "original").touch()
    work = tmp_path / "1"
    monkeypatch.chdir(tmp_path)

    def read(data: bytes) -> Sequence[Sequence[str]]:
        (tmp_path / "original").write_bytes(data)
        profile(Context(str(tmp_path / "original"), str(work), "a.csv", lambda *_: None), {})
        with (work / "clean.csv").open(newline="") as file:
            return list(csv.reader(file))

    scores = pollution.evaluate(read, EVERY)
    lost = {kind: round(1 - score.mean, 3) for kind, (_, score) in scores.items()}
    assert max(lost.values()) < MOST_LOST, lost
    assert lost["clean"] == 0
