"""Recognises files that are certainly no CSV by their first bytes, before the rest is sent.

Whether text is a good CSV is for the handler to decide.
"""

from processing.errors import NotCsv

HEAD_BYTES = 64 * 1024

_ARCHIVE_ADVICE = "Upload the CSV itself, or compress it with zip, gzip, zstd, bzip2 or xz."
_MAGIC = {
    b"%PDF-": "a PDF document.",
    b"\x89PNG\r\n": "a PNG image.",
    b"\xff\xd8\xff": "a JPEG image.",
    b"GIF8": "a GIF image.",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel or Word file. Save it as CSV first.",
    b"SQLite format 3\0": "an SQLite database. Export a table as CSV first.",
    b"PAR1": "a Parquet file, which is typed already.",
    b"\x7fELF": "a program.",
    b"Rar!\x1a\x07": f"a RAR archive. {_ARCHIVE_ADVICE}",
    b"7z\xbc\xaf\x27\x1c": f"a 7z archive. {_ARCHIVE_ADVICE}",
}
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04")
_OFFICE = b"[Content_Types].xml"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
# Tab, line endings, form feed, end of file and escape occur in text; one or two others may delimit.
_CONTROLS = bytes(set(range(1, 32)) - {9, 10, 11, 12, 13, 0x1A, 0x1B})
_BINARY_CONTROL_KINDS = 8
_BINARY_CONTROL_SHARE = 0.02


def reject_non_csv(name: str, head: bytes) -> None:
    """Check the first bytes (up to HEAD_BYTES) of a file.

    Raises:
        NotCsv: they are certainly neither CSV text nor compressed data.
    """
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            raise NotCsv(f"“{name}” is {kind}")
    if head.startswith(_COMPRESSED):
        if head.startswith(b"PK") and _OFFICE in head[:4096]:
            raise NotCsv(f"“{name}” is an Excel or Office file. Save it as CSV first.")
        return
    if head.startswith(_WIDE_MARKS) or _is_wide(head):
        return
    counts = [head.count(code) for code in _CONTROLS]
    kinds = sum(count > 0 for count in counts)
    if kinds >= _BINARY_CONTROL_KINDS and sum(counts) >= _BINARY_CONTROL_SHARE * len(head):
        raise NotCsv(
            f"“{name}” is binary data, not text: its first {len(head):,} bytes contain {kinds} "
            "kinds of control characters."
        )


def _is_wide(head: bytes) -> bool:
    """Whether it may be UTF-16 or UTF-32 without a mark: NULs at regular positions."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    return even + odd >= len(head) // 20 and max(even, odd) >= 0.8 * (even + odd)
