"""Adds up what became of the mutants, per folder, and finds the survivors' lines."""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

VERDICTS = ("killed", "timeout", "survived", "no tests", "not run")
# Exit codes in mutmut's result files. Any other is a kill, by a test that failed or crashed.
_VERDICTS: dict[int | None, str] = {
    None: "not run",
    0: "survived",
    5: "no tests",
    33: "no tests",
    **dict.fromkeys((-24, 24, 36, 152), "timeout"),
}


@dataclass(frozen=True)
class Survivor:
    """A mutant that no test noticed: its line in the checkout, and what was changed."""

    name: str
    place: str
    change: str


@dataclass(frozen=True)
class Area:
    """The result of one run; ``counts`` by folder and verdict."""

    name: str
    total: int
    counts: dict[str, Counter[str]]
    survivors: list[Survivor]


def verdict(code: int | None) -> str:
    """Say in a word how a mutant ended: one of VERDICTS."""
    return _VERDICTS.get(code, "killed")


def read_results(name: str, copy: Path, sample: list[str], total: int, mutmut: Path) -> Area:
    """Collect the verdicts on the sample from mutmut's files in ``copy``."""
    chosen = set(sample)
    counts: dict[str, Counter[str]] = {}
    survivors = []
    for meta in sorted((copy / "mutants").rglob("*.py.meta")):
        path = meta.relative_to(copy / "mutants").with_suffix("")
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        for mutant in chosen & set(codes):
            ended = verdict(codes[mutant])
            counts.setdefault(str(path.parent), Counter())[ended] += 1
            if ended in ("survived", "no tests"):
                survivors.append(_survivor(mutant, path, copy, mutmut))
    return Area(name, total, counts, sorted(survivors, key=lambda each: each.place))


def _survivor(mutant: str, path: Path, copy: Path, mutmut: Path) -> Survivor:
    shown = subprocess.run(
        [str(mutmut), "show", mutant], cwd=copy, capture_output=True, text=True, check=True
    ).stdout
    changed = [
        line
        for line in shown.splitlines()
        if line.startswith(("-", "+")) and not line.startswith(("---", "+++"))
    ]
    source = (copy / path).read_text("utf-8").splitlines()
    function = mutant.rpartition(".")[2].rpartition("__mutmut_")[0]
    name = function.rpartition("ǁ")[2].removeprefix("x_")
    place = next((n for n, line in enumerate(source) if f"def {name}(" in line), 0)
    first = changed[0][1:] if changed else ""
    line = next((n for n in range(place, len(source)) if source[n].strip() == first.strip()), place)
    return Survivor(mutant, f"{path}:{line + 1}", "\n".join(changed))


def describe(area: Area) -> str:
    """Write the result as text: the counts by folder, then the survivors."""
    everything = sum(area.counts.values(), Counter[str]())
    lines = [f"{area.name}: {_score(everything)}; there are {area.total:,} mutants"]
    lines += [f"  {folder}: {_score(counts)}" for folder, counts in sorted(area.counts.items())]
    for survivor in area.survivors:
        lines.append(f"\n{survivor.place} ({survivor.name})")
        lines.extend(f"    {line}" for line in survivor.change.splitlines())
    return "\n".join(lines)


def _score(counts: Counter[str]) -> str:
    tested = counts.total() - counts["not run"]
    killed = counts["killed"] + counts["timeout"]
    share = f"{killed / tested:.0%}" if tested else "–"
    rest = [f"{counts[each]} {each}" for each in VERDICTS if counts[each]]
    return f"{killed} of {tested} killed ({share}): {', '.join(rest)}"
