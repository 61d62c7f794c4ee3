"""What was guessed, removed or replaced while a file was read, in sentences for people."""

from worker.handlers.profile.accounting.plural import counted
from worker.handlers.profile.reading.cleaning import Removed
from worker.handlers.profile.reading.encodings.detect import DetectedEncoding
from worker.handlers.profile.reading.encodings.guess import EncodingGuess
from worker.handlers.profile.reading.encodings.mixed_text import Undecodable
from worker.handlers.profile.reading.encodings.names import display_name

_LISTED_LINES = 5


def notes(found: DetectedEncoding, undecodable: Undecodable, removed: Removed) -> list[str]:
    """Return the sentences, most important first."""
    said = []
    if found.guess and not found.other:
        said.append(_on_guess(found.guess))
    if undecodable.other_lines and found.other:
        said.append(_on_other_lines(undecodable, found.other))
    if undecodable.replaced:
        said.append(_on_replaced(undecodable, found.name))
    return [*said, *_on_padding(found), *_on_removed(removed)]


def _on_guess(guess: EncodingGuess) -> str:
    quoted = " and ".join(f"“{word}”" for word in guess.examples)
    example = f", for example {quoted}" if quoted else ""
    name = display_name(guess.encoding)
    return f"Encoding guessed: {name}{example}. Set the option “encoding” if letters look wrong."


def _on_other_lines(found: Undecodable, other: str) -> str:
    number = found.other_lines
    shown = [f"{line:,}" for line in found.first_other_lines[:_LISTED_LINES]]
    if number > len(shown):
        where = f"lines {', '.join(shown)} and {number - len(shown):,} more"
    elif number == 1:
        where = f"line {shown[0]}"
    else:
        where = f"lines {', '.join(shown[:-1])} and {shown[-1]}"
    verb = "has" if number == 1 else "have"
    was = "was" if number == 1 else "were"
    return (
        f"{counted(number, 'line')} {verb} bytes that are not valid UTF-8 and {was} read as "
        f"{display_name(other)}: {where}."
    )


def _on_replaced(found: Undecodable, encoding: str) -> str:
    was = "was" if found.replaced == 1 else "were"
    first = "" if found.replaced == 1 else "the first "
    at = f"{first}on line {found.replaced_line:,} (byte {found.replaced_bytes[0]:,})"
    return (
        f"{counted(found.replaced, 'character')} {was} replaced by \ufffd: bytes that are not "
        f"valid {display_name(encoding)}, {at}."
    )


def _on_padding(found: DetectedEncoding) -> list[str]:
    said = []
    scan = found.scan
    if scan and scan.padding_nuls:
        was = "was" if scan.padding_nuls == 1 else "were"
        said.append(
            f"{counted(scan.padding_nuls, 'NUL byte')} at the end {was} removed (power loss or "
            "preallocation)."
        )
    if scan and scan.padding_ctrl_z:
        was = "was" if scan.padding_ctrl_z == 1 else "were"
        marks = counted(scan.padding_ctrl_z, "end-of-file mark")
        said.append(f"{marks} (Ctrl-Z) at the end {was} removed.")
    return said


def _on_removed(removed: Removed) -> list[str]:
    said = []
    for number, noun, line in (
        (removed.nuls, "NUL character", removed.nul_line),
        (removed.boms, "misplaced byte-order mark", removed.bom_line),
    ):
        if number == 1:
            said.append(f"1 {noun} was removed, line {line:,}.")
        elif number:
            said.append(f"{counted(number, noun)} were removed, the first on line {line:,}.")
    return said
