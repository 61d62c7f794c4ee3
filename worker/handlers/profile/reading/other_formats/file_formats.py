"""Recognises files that are in another format than CSV, to name it and say what to do.

``quart_app.uploads.sniff`` refuses the same files at upload, as far as their first bytes show it.
"""

import re

from worker.handlers.contract import BadInput

_PACK = "Upload the CSV file itself, or compressed with gzip, zip, zstd, bzip2 or xz."
_EXPORT = "Export the table as CSV first."
# What other formats start with: what the file is, and what its user can do.
SIGNATURES = {
    b"%PDF-": ("a PDF document", _EXPORT),
    b"\x89PNG\r\n": ("a PNG image", ""),
    b"\xff\xd8\xff": ("a JPEG image", ""),
    b"GIF8": ("a GIF image", ""),
    b"II*\x00": ("a TIFF image", ""),
    b"MM\x00*": ("a TIFF image", ""),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an old Excel or Word file", "Save it as CSV first."),
    b"SQLite format 3\x00": ("an SQLite database", _EXPORT),
    b"PAR1": ("already a Parquet file", ""),
    b"ARROW1": ("already an Arrow file", ""),
    b"Obj\x01": ("an Avro file", _EXPORT),
    b"ORC\x00": ("an ORC file", _EXPORT),
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file", _EXPORT),
    b"\x93NUMPY": ("a NumPy array", _EXPORT),
    b"\x00\x01\x00\x00Standard ": ("an Access database", _EXPORT),
    b"\x7fELF": ("a program", ""),
    b"MZ\x90\x00": ("a program", ""),
    b"Rar!\x1a\x07": ("a RAR archive", _PACK),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _PACK),
    b"\x04\x22\x4d\x18": ("an LZ4 file", _PACK),
    b"\x1f\x9d": ("a file compressed with compress (.Z)", _PACK),
    b"{\\rtf": ("an RTF document", "Save its table as CSV first."),
}
_TAR_AT, _TAR = 257, b"ustar"
# Text has few kinds of control characters besides these. One or two others may be delimiters.
_CONTROLS = bytes(set(range(1, 32)) - set(b"\t\n\v\f\r\x1a\x1b"))
_BINARY_KINDS = ((8, 0.02), (4, 0.2))

_DOWNLOAD = "Check the link it was downloaded from"
_TEXT_SIGNATURES = (
    (
        re.compile(r"(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html)\b", re.I | re.S),
        ("an HTML page", f"{_DOWNLOAD}: this may be an error or login page, not the data."),
    ),
    (
        re.compile(r"version https?://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/"),
        ("a Git LFS pointer", "It stands for a file. Run “git lfs pull” and upload that file."),
    ),
    (
        re.compile(r"<\?xml\b|<!doctype\s+\w", re.I),
        ("an XML document", "Convert its records to CSV first."),
    ),
    (
        re.compile(r"HTTP/\d(?:\.\d)? \d{3}\b"),
        ("an HTTP response with its headers", f"{_DOWNLOAD}, and save the body alone."),
    ),
    (
        re.compile(r"-{4,}\S+\r?\nContent-Disposition: form-data", re.I),
        ("the body of an HTML form (multipart/form-data)", "Save the file in it, and upload that."),
    ),
    (re.compile(r"%!PS"), ("a PostScript document", "")),
)


def reject_signatures(head: bytes) -> None:
    """Raise BadInput if a file that starts with ``head`` is in a well-known binary format."""
    for signature, (what, advice) in SIGNATURES.items():
        if head.startswith(signature):
            raise not_csv(what, advice)
    if head[_TAR_AT:].startswith(_TAR):
        raise not_csv("a tar archive", "Upload each of its files on its own.")


def reject_binary(head: bytes) -> None:
    """Raise BadInput if control characters, by their kinds and share, show binary data."""
    counts = [count for count in map(head.count, _CONTROLS) if count]
    for kinds, share in _BINARY_KINDS:
        if len(counts) >= kinds and sum(counts) >= share * (len(head) - head.count(0)):
            raise BadInput(
                f"This is binary data, not a text file: its first {len(head):,} bytes have "
                f"{len(counts)} kinds of control characters."
            )


def reject_text_signatures(text: str) -> None:
    """Raise BadInput if a text that starts like this is in another format than CSV."""
    for signature, (what, advice) in _TEXT_SIGNATURES:
        if signature.match(text):
            raise not_csv(what, advice)


def not_csv(what: str, advice: str) -> BadInput:
    """Return the error for a file that is in another format, named with its article."""
    return BadInput(f"This is not a CSV file: it looks like {what}. {advice}".rstrip())
