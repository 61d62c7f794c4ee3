"""The API as its document describes it, and the client that people type."""

import os
import subprocess
import sys
from pathlib import Path

import httpx

from processing.schema import ROOT
from tests.programs import Programs

# They never end; their tests read them.
STREAMS = "events|listen-updates"
CSV = b"id,city\n1,Oslo\n2,Rome\n"


def test_schemathesis_finds_no_violation(programs: Programs, tmp_path: Path) -> None:
    programs.worker()
    programs.web()
    # Something to look at, or most answers would be 404.
    for number in range(3):
        url = f"{programs.address}/api/v1/files/{number}.csv"
        assert httpx.put(url, content=CSV * (number + 1)).status_code == 201
    command = [str(Path(sys.executable).with_name("schemathesis"))]
    command += ["--config-file", str(ROOT / "tests" / "acceptance" / "schemathesis.toml")]
    command += ["run", f"{programs.address}/openapi.json", "--exclude-path-regex", STREAMS]
    env = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.acceptance.schemathesis_hooks",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout[-40000:] + done.stderr[-2000:]
