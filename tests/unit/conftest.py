"""Fixtures for the tests of the profile handler."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema_rs
import pytest

from processing.paths import ROOT
from tests.unit.mill import Profile
from worker.handlers.contract import Context, Result
from worker.handlers.profile import profile

_SCHEMA = ROOT / "worker" / "handlers" / "profile" / "profile.schema.json"
SCHEMA = jsonschema_rs.validator_for(json.loads(_SCHEMA.read_text("utf-8")))


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
        result = profile(Context(str(folder / "original"), str(work), "a.csv", report), options)
        SCHEMA.validate(json.loads(Path("profile.json").read_text("utf-8")))
        return result

    return profiled
