"""What the tests of the mill share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.mill import Profile
from worker.handlers.contract import Context, Result
from worker.handlers.profile import profile


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Return a function that profiles bytes in a folder of its own."""
    counter = iter(range(10**6))

    def profiled(
        data: bytes, report: Callable[[float, str], None] = lambda *_: None, **options: object
    ) -> Result:
        folder = tmp_path / str(next(counter))
        work = folder / "1"
        work.mkdir(parents=True)
        (folder / "original").write_bytes(data)
        monkeypatch.chdir(work)
        return profile(Context(str(folder / "original"), str(work), "a.csv", report), options)

    return profiled
