"""How much is recovered of a file that is polluted in every way that CSV files are."""

from pathlib import Path

import pytest

from tests import pollution

EVERY = 28
MOST_LOST = 0.03


def test_little_is_lost_of_polluted_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scores = pollution.evaluate(pollution.reader(tmp_path), EVERY)
    lost = {kind: round(1 - score.mean, 3) for kind, (_, score) in scores.items()}
    assert max(lost.values()) < MOST_LOST, lost
    assert lost["clean"] == 0
