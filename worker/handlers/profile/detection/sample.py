"""The part of a file that it is judged by."""

from dataclasses import dataclass

from worker.handlers.contract import BadInput
from worker.handlers.profile.reading.lines import LineReader
from worker.handlers.profile.reading.text import Utf8File

SAMPLE_BYTES = 512 * 1024
# So many of the lines above a table are kept word for word.
KEPT_LINES = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """Half a megabyte behind the ``skipped`` lines that the options say stand above the table.

    ``lines`` are those of ``text``; ``above`` the first of the skipped ones that are not blank, of
    which there are ``filled``.
    """

    text: str
    lines: list[str]
    skipped: int = 0
    above: tuple[str, ...] = ()
    filled: int = 0


def take(text: Utf8File, skip_lines: int) -> Sample:
    """Read it.

    Raises:
        BadInput: the file has no more lines than are to be skipped.
    """
    above: list[str] = []
    filled = 0
    lines = LineReader(text.path, text.bom_bytes)
    try:
        for _ in range(skip_lines):
            line = lines.next()
            if line is None:
                raise BadInput(
                    f"The file has {lines.number:,} lines, and {skip_lines:,} of them are to be "
                    "skipped by the option “skip_lines”."
                )
            if line.strip():
                filled += 1
                if len(above) < KEPT_LINES:
                    above.append(line.decode("utf-8", "replace"))
        start = lines.next_offset
    finally:
        lines.close()
    sample = _read(text, start)
    return Sample(sample, _lines_of(sample), skip_lines, tuple(above), filled)


def _lines_of(text: str) -> list[str]:
    """Split at CR, LF and CRLF alone; str.splitlines knows more line ends than CSV."""
    return [line.decode() for line in text.encode("utf-8", "replace").splitlines()]


def _read(text: Utf8File, start: int) -> str:
    """Half a megabyte from there, cut at a line's end."""
    with text.path.open("rb") as file:
        file.seek(start)
        head = file.read(SAMPLE_BYTES)
        complete = not file.read(1)
    sample = head.decode("utf-8", "replace" if complete else "ignore")
    if complete:
        return sample
    # A CR at the very end may be half of a CRLF.
    sample = sample.removesuffix("\r")
    cut = max(sample.rfind("\n"), sample.rfind("\r"))
    return sample[: cut + 1] or sample
