"""docs/tutorial.md: every command is executed against the started program, its output compared."""

import os
import re
import signal
import subprocess
from pathlib import Path

from processing.paths import ROOT
from standalone.services import free_port
from tests.conftest import eventually
from tests.programs import Program

ADDRESS = "http://127.0.0.1:8000"
PAGE = (ROOT / "docs" / "tutorial.md").read_text()
# (commands, what the page says they print, '' where it does not say)
BLOCKS = re.findall(r"```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL)


class Terminals:
    """The reader's two terminals: one that runs Millrace, one for everything else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "PORT": str(self.port),
            "VAR_ROOT": str(folder / "var"),
            "MEDIA_ROOT": str(folder / "media"),
            "MILLRACE_URL": self.address,
            "NO_COLOR": "1",
        }

    def start(self, command: str) -> Program:
        argv = ["bash", "-c", f"cd {ROOT} && exec {command}"]
        return Program(argv, self._environment, self.folder / "first.log")

    def run(self, blocks: list[str]) -> list[str]:
        """Run ``blocks`` in one shell; return what each printed."""
        script = "".join(
            f"{block}echo '--- end of block'\n".replace(ADDRESS, self.address) for block in blocks
        )
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout.split("--- end of block\n")[:-1]


def pattern(shown: str) -> re.Pattern[str]:
    """What a block must print: … stands for anything, blanks and frames may be wider."""
    lines = [line.strip() for line in shown.strip().splitlines()]
    escaped = [re.sub(r"(\\ )+", r"\\s+", re.escape(line)).replace("…", ".*") for line in lines]
    return re.compile(r"\s*" + r"\s*\n\s*".join(escaped) + r"\s*", re.DOTALL)


async def test_the_tutorial(tmp_path: Path) -> None:
    terminals = Terminals(tmp_path)
    (start, _), *rest = BLOCKS
    ready = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert start == "make run\n"
    assert ready is not None
    assert "Millrace is ready" in ready[1]
    program = terminals.start(start)
    try:
        shown = pattern(ready[1].replace(ADDRESS, terminals.address))

        def answers() -> bool:
            assert program.process.poll() is None, program.log
            return shown.search(program.log) is not None

        await eventually(answers, 120)
        printed = terminals.run([commands for commands, _ in rest])
        for (commands, expected), text in zip(rest, printed, strict=True):
            if expected:
                assert pattern(expected).fullmatch(text), f"{commands}\n{text}"
    finally:
        os.killpg(program.pid, signal.SIGINT)  # Ctrl-C reaches make and what it runs
        program.process.wait(30)
    assert "Stopped. The data is kept." in program.log
