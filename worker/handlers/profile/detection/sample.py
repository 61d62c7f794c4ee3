"""The beginning of a file, from which its format is detected."""

from dataclasses import dataclass

from worker.handlers.contract import BadInput
from worker.handlers.profile.reading.lines import LineReader
from worker.handlers.profile.reading.text import Utf8File

SAMPLE_BYTES = 512 * 1024
# The lines above a table that are kept verbatim.
MAX_PREAMBLE_LINES = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """Up to 512 KiB of text that follow the ``skipped_lines`` which the options exclude.

    ``lines`` are those of ``text``. ``skipped_preview`` holds the first of the skipped lines that
    are not blank, ``skipped_non_blank`` is their number.
    """

    text: str
    lines: list[str]
    skipped_lines: int = 0
    skipped_preview: tuple[str, ...] = ()
    skipped_non_blank: int = 0


def take_sample(text: Utf8File, skip_lines: int) -> Sample:
    """Read the sample that follows the first ``skip_lines`` lines.

    Raises:
        BadInput: the file has fewer lines than are to be skipped.
    """
    preview: list[str] = []
    non_blank = 0
    lines = LineReader(text.path, text.bom_bytes)
    try:
        for _ in range(skip_lines):
            line = lines.next()
            if line is None:
                raise BadInput(
                    f"The option “skip_lines” skips {skip_lines:,} lines, but the file has only "
                    f"{lines.number:,}."
                )
            if line.strip():
                non_blank += 1
                if len(preview) < MAX_PREAMBLE_LINES:
                    preview.append(line.decode("utf-8", "replace"))
        start = lines.next_offset
    finally:
        lines.close()
    sample = _read(text, start)
    return Sample(sample, _split_lines(sample), skip_lines, tuple(preview), non_blank)


def _split_lines(text: str) -> list[str]:
    """Split at CR, LF and CRLF only: str.splitlines knows more line ends than CSV does."""
    return [line.decode() for line in text.encode("utf-8", "replace").splitlines()]


def _read(text: Utf8File, start: int) -> str:
    """Return up to SAMPLE_BYTES from the offset ``start``, cut at the end of a line."""
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
