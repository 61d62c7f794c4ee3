"""What a person should know about a file, in sentences."""

from collections.abc import Sequence

from worker.handlers.profile.accounting.issues import IssueLog
from worker.handlers.profile.accounting.tally import Tally
from worker.handlers.profile.detection.layout import Layout
from worker.handlers.profile.reading.text import Utf8File
from worker.handlers.profile.stages import Findings


def file_warnings(findings: Findings) -> Sequence[str]:
    """Return the warnings, the most important first."""
    loaded, layout = findings.loaded, findings.detected.layout
    return [
        *_on_text(findings.prepared.text),
        *_on_header(layout, loaded.tally),
        *_on_lines(layout, loaded.tally),
        *_on_duplicates(findings.described.duplicate_rows),
        *_on_issues(loaded.repairs, "repaired"),
        *_on_issues(loaded.rejects, "rejected"),
    ]


def _on_text(text: Utf8File) -> list[str]:
    if not text.replaced:
        return []
    were = "1 character was" if text.replaced == 1 else f"{text.replaced:,} characters were"
    first = f", the first at byte {text.undecodable[0]:,}" if text.undecodable else ""
    return [f"{were} not valid {text.encoding} and replaced with \ufffd{first}."]


def _on_header(layout: Layout, tally: Tally) -> list[str]:
    warnings = []
    if not tally.read:
        warnings.append("The file has a header but no rows.")
    if "names" in layout.evidence:
        warnings.append(f"Check the column names: {layout.evidence['names'][0]}.")
    return warnings


def _on_lines(layout: Layout, tally: Tally) -> list[str]:
    warnings = []
    if layout.above:
        were = _were(layout.above, "line above the table", "lines above the table")
        warnings.append(f"{were} skipped.")
    if tally.another is not None:
        warnings.append(
            f"A second table starts on line {tally.another:,} and was not read; its rows were "
            "rejected. To read it, upload the file again with the option “skip_lines” set to "
            f"{tally.another - 1}."
        )
    for number, one, many in (
        (tally.blank, "blank line", "blank lines"),
        (tally.comments, "comment line", "comment lines"),
        (tally.repeated_headers, "repeated header line", "repeated header lines"),
    ):
        if number:
            warnings.append(f"{_were(number, one, many)} skipped.")
    return warnings


def _on_duplicates(rows: int | None) -> list[str]:
    if not rows:
        return []
    return ["1 duplicate row." if rows == 1 else f"{rows:,} duplicate rows."]


def _on_issues(issues: IssueLog, action: str) -> list[str]:
    if not issues.count:
        return []
    first = issues.first[0]
    if issues.count == 1:
        return [f"1 row was {action} (line {first.line:,}): {first.reason}"]
    return [
        f"{issues.count:,} rows were {action}, the first on line {first.line:,}: {first.reason}"
    ]


def _were(number: int, one: str, many: str) -> str:
    return f"1 {one} was" if number == 1 else f"{number:,} {many} were"
