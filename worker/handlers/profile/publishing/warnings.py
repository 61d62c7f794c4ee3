"""What a person should know about a file, in sentences."""

from collections.abc import Sequence

from worker.handlers.profile.accounting.issues import IssueLog
from worker.handlers.profile.accounting.plural import counted
from worker.handlers.profile.accounting.tally import Tally
from worker.handlers.profile.detection.layout import Layout
from worker.handlers.profile.stages import Findings


def file_warnings(findings: Findings) -> Sequence[str]:
    """Return the warnings, the most important first."""
    loaded, layout = findings.loaded, findings.detected.layout
    return [
        *findings.prepared.text.notes,
        *_on_header(layout, loaded.tally),
        *_on_lines(layout, loaded.tally),
        *_on_duplicates(findings.described.duplicate_rows),
        *_on_issues(loaded.repairs, "repaired"),
        *_on_issues(loaded.rejects, "rejected"),
    ]


def _on_header(layout: Layout, tally: Tally) -> list[str]:
    warnings = []
    if not tally.read:
        warnings.append("The file has a header but no rows.")
    if "names" in layout.evidence:
        warnings.append(f"{layout.evidence['names'].why}. Check the column names.")
    return warnings


def _on_lines(layout: Layout, tally: Tally) -> list[str]:
    warnings = []
    lines = layout.preamble_lines
    if lines:
        warnings.append(
            f"{counted(lines, 'line')} above the table {'was' if lines == 1 else 'were'} skipped."
        )
    second = tally.second_table_line
    if second is not None:
        warnings.append(
            f"A second table starts on line {second:,} and was not read; its rows were rejected. "
            f"To read it, upload the file again with the option “skip_lines” set to {second - 1}."
        )
    if tally.empty_rows:
        rows = f"{counted(tally.empty_rows, 'empty row')} at the end"
        warnings.append(f"{rows} {'was' if tally.empty_rows == 1 else 'were'} skipped.")
    for number, noun in (
        (tally.blank, "blank line"),
        (tally.comments, "comment line"),
        (tally.repeated_headers, "repeated header line"),
    ):
        if number:
            warnings.append(f"{_counted_were(number, noun)} skipped.")
    return warnings


def _on_duplicates(rows: int | None) -> list[str]:
    if not rows:
        return []
    return [f"{counted(rows, 'duplicate row')}."]


def _on_issues(issues: IssueLog, action: str) -> list[str]:
    if not issues.count:
        return []
    first = issues.first[0]
    where = "on" if issues.count == 1 else "the first on"
    were = _counted_were(issues.count, "row")
    return [f"{were} {action}, {where} line {first.line:,} ({first.reason})."]


def _counted_were(number: int, noun: str) -> str:
    return f"{counted(number, noun)} {'was' if number == 1 else 'were'}"
