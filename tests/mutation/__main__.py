"""Run a bounded, seeded sample of mutants per area: ``make mutants`` or ``-m tests.mutation AREA``.

mutmut does the mutating and picks the tests; this program gives it a copy of the checkout to work
on, draws the sample, ends the run in time and adds the results up. The areas stand in
pyproject.toml under ``tool.mutants``.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from processing.paths import ROOT
from standalone.processes import stop
from tests.mutation.report import Area, describe, read_results

FOLDER = ROOT / ".mutants"
MUTMUT = Path(sys.executable).with_name("mutmut")
# So long may a mutant under test take to end after the run's time is up.
STOP_SECONDS = 60


def main() -> None:
    """Run the areas named on the command line, or all, and print what survived."""
    areas = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutants"]
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(areas)}")
    parser.add_argument("--only", nargs="+", metavar="GLOB", help="mutate these files of the area")
    parser.add_argument("--sample", type=int, help="maximum number of mutants per area")
    parser.add_argument("--minutes", type=float, help="maximum time per area")
    parser.add_argument("--seed", type=int, default=1, help="chooses the sample (default: 1)")
    arguments = parser.parse_args()
    if unknown := set(arguments.areas) - set(areas):
        parser.error(f"no such area: {', '.join(sorted(unknown))}; there are {', '.join(areas)}")
    for name in arguments.areas or areas:
        chosen = {**areas[name]}
        if arguments.only:
            chosen["only_mutate"] = arguments.only
        chosen["sample"] = arguments.sample or chosen["sample"]
        chosen["minutes"] = arguments.minutes or chosen["minutes"]
        print(describe(run(name, chosen, arguments.seed)), flush=True)


def run(name: str, area: dict[str, Any], seed: int) -> Area:
    """Test a sample of an area's mutants in a copy of the checkout."""
    copy = FOLDER / name
    copy_checkout(copy)
    configure(copy, area)
    known = generate(copy)
    sample = random.Random(seed).sample(known, min(area["sample"], len(known)))
    run_sample(copy, sample, area["minutes"] * 60)
    return read_results(name, copy, sample, len(known), MUTMUT)


def copy_checkout(target: Path) -> None:
    """Copy what git knows, as it is now, to an empty folder."""
    shutil.rmtree(target, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def configure(copy: Path, area: dict[str, Any]) -> None:
    """Add the area's files and tests to mutmut's settings, and what the tests read beside them."""
    added = {
        "only_mutate": area["only_mutate"],
        "pytest_add_cli_args_test_selection": area["tests"],
        "process_isolation": area["process_isolation"],
        "also_copy": sorted(each.name for each in copy.iterdir()),
    }
    # JSON writes strings and lists of them as TOML does.
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in added.items())
    pyproject = copy / "pyproject.toml"
    text = pyproject.read_text("utf-8")
    assert text.count("[tool.mutmut]\n") == 1
    pyproject.write_text(text.replace("[tool.mutmut]\n", f"[tool.mutmut]\n{lines}"), "utf-8")


def generate(copy: Path) -> list[str]:
    """Make the mutants, find out which tests call what, and return the mutants' names in order."""
    # mutmut has no command for this; asked for a mutant that does not exist, it stops here.
    command = [str(MUTMUT), "run", "--max-children", "1", "none"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    if "nothing matches" not in done.stderr:
        raise SystemExit(f"mutmut failed in {copy}:\n{done.stdout}\n{done.stderr}")
    let_all_tests_judge_imports(copy / "mutants" / "mutmut-stats.json")
    metas = sorted((copy / "mutants").rglob("*.py.meta"))
    return [name for meta in metas for name in json.loads(meta.read_text())["exit_code_by_key"]]


def let_all_tests_judge_imports(stats: Path) -> None:
    """Give functions that are called on import to all tests: mutmut gives them to the first."""
    known = json.loads(stats.read_text())
    tests = list(known["duration_by_test"])
    for by in known["tests_by_mangled_function_name"].values():
        if set(by) <= {tests[0]}:
            by[:] = tests
    stats.write_text(json.dumps(known))


def run_sample(copy: Path, sample: list[str], seconds: float) -> None:
    """Test these mutants, those with fast tests first, until all are or the time is up."""
    command = [str(MUTMUT), "run", "--max-children", "1", *sample]
    log = copy / "mutmut.log"
    with log.open("wb") as output:
        # In a session of its own: what it started ends with it.
        process = subprocess.Popen(
            command, cwd=copy, stdout=output, stderr=output, start_new_session=True
        )
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        code = 0
    finally:
        # It writes down each result at once, so that nothing is lost when it is stopped.
        stop(process, signal.SIGINT, STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if code != 0:
        raise SystemExit(f"mutmut failed: see {log}")


if __name__ == "__main__":
    main()
