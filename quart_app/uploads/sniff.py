"""What the first bytes of a file already show, so that nobody sends the rest in vain.

It refuses only what is certain: whether text is a good CSV, the handler finds out.
"""

from processing.errors import NotCsv

HEAD_BYTES = 64 * 1024

_MAGIC = {
    b"%PDF-": "a PDF document",
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel or Word file; save it as CSV first",
    b"SQLite format 3\0": "an SQLite database; export a table as CSV first",
    b"PAR1": "a Parquet file, which is typed already",
    b"\x7fELF": "a program",
    b"Rar!\x1a\x07": "a RAR archive; send the CSV itself, or as zip, gzip, zstd, bzip2 or xz",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; send the CSV itself, or as zip, gzip, zstd, bzip2 or xz",
}
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04")
_OFFICE = b"[Content_Types].xml"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
# Tab, line ends, form feed, end of file and escape stand in text; one or two others may delimit.
_CONTROLS = bytes(set(range(1, 32)) - {9, 10, 11, 12, 13, 0x1A, 0x1B})
_MOST_CONTROL_KINDS = 8
_MOST_CONTROL_SHARE = 0.02


def look(name: str, head: bytes) -> None:
    """Look at the first bytes (up to HEAD_BYTES) of a file.

    Raises:
        NotCsv: they are certainly no CSV text, nor compressed data.
    """
    for magic, words in _MAGIC.items():
        if head.startswith(magic):
            raise NotCsv(f"“{name}” is {words}.")
    if head.startswith(_COMPRESSED):
        if head.startswith(b"PK") and _OFFICE in head[:4096]:
            raise NotCsv(f"“{name}” is an Excel or Office file; save it as CSV first.")
        return
    if head.startswith(_WIDE_MARKS) or _is_wide(head):
        return
    kinds = [head.count(code) for code in _CONTROLS]
    present = sum(count > 0 for count in kinds)
    if present >= _MOST_CONTROL_KINDS and sum(kinds) >= _MOST_CONTROL_SHARE * len(head):
        raise NotCsv(
            f"“{name}” is binary data, not text: {present} kinds of control characters stand in "
            f"its first {len(head):,} bytes."
        )


def _is_wide(head: bytes) -> bool:
    """Whether it may be UTF-16 or UTF-32 without a mark: its NULs stand at regular places."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    return even + odd >= len(head) // 20 and max(even, odd) >= 0.8 * (even + odd)
