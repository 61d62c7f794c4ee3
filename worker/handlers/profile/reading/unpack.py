"""Decompresses uploads, recognised by their content: a stream, or an archive of one file."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import zstandard

from worker.handlers.contract import BadInput
from worker.handlers.profile.accounting.plural import counted

CHUNK_BYTES = 1024 * 1024
# Text rarely shrinks more than a hundredfold; beyond both limits it is a decompression bomb.
MAX_RATIO = 500
ALWAYS_ALLOWED_BYTES = 64 * 1024 * 1024
MAX_BYTES = 64 * 1024**3
# An archive of one compressed file is common; more levels are not.
MAX_LEVELS = 2

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
}
# What Excel and Word, and LibreOffice, put into their documents.
_OFFICE_MEMBERS = {"[Content_Types].xml", "META-INF/manifest.xml", "content.xml"}


def unpack(
    upload: Path, folder: Path, report: Callable[[float], None]
) -> tuple[Path | None, str | None]:
    """Decompress an upload into ``folder``, also a compressed file in an archive.

    Return the file and the (outer) compression; both are None if the upload has none. ``report``
    gets the share of the upload that was read, 0–1.

    Raises:
        BadInput: the data is damaged, truncated, encrypted, too large, of several files, or
            compressed more than twice.
    """
    source, outer = upload, None
    size = upload.stat().st_size
    for level in range(MAX_LEVELS + 1):
        with source.open("rb") as file:
            head = file.read(8)
        name = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
        if name is None:
            break
        if level == MAX_LEVELS:
            raise BadInput(f"The file is compressed more than {MAX_LEVELS} times. Unpack it first.")
        target = folder / f"unpacked{level}.tmp"
        _unpack_one(name, source, target, size, report if level == 0 else lambda _: None)
        if source != upload:
            source.unlink()
        source, outer = target, outer or name
    return (source if outer else None), outer


def _unpack_one(
    name: str, source: Path, target: Path, size: int, report: Callable[[float], None]
) -> None:
    """Decompress one level of an upload of ``size`` bytes."""
    try:
        with source.open("rb") as file:
            length = source.stat().st_size
            if name == "zip":
                with (
                    zipfile.ZipFile(file) as archive,
                    archive.open(_only_member(archive)) as member,
                ):
                    _copy(member, target, size, lambda: report(min(1.0, file.tell() / length)))
            else:
                with _open_stream(name, file) as stream:
                    _copy(stream, target, size, lambda: report(min(1.0, file.tell() / length)))
    except (
        EOFError,
        OSError,
        zlib.error,
        lzma.LZMAError,
        zstandard.ZstdError,
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,  # raised by zipfile for an encrypted member
    ) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk, not the data
        raise BadInput(f"The {name} data cannot be decompressed: {error}.") from error


def _open_stream(name: str, file: IO[bytes]) -> Any:
    match name:
        case "gzip":
            return gzip.GzipFile(fileobj=file)
        case "bzip2":
            return bz2.BZ2File(file)
        case "xz":
            return lzma.LZMAFile(file)
        case _:
            decompressor = zstandard.ZstdDecompressor(max_window_size=2**27)
            return decompressor.stream_reader(file, read_across_frames=True)


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the only file of an archive, not counting what macOS adds."""
    names = {info.filename for info in archive.infolist()}
    if names & _OFFICE_MEMBERS:
        raise BadInput("This is an Office document, not a CSV file. Save the sheet as CSV first.")
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        files = counted(len(members), "file")
        raise BadInput(f"The ZIP archive contains {files}. Upload each file on its own.")
    return members[0]


def _copy(stream: IO[bytes], target: Path, size: int, report: Callable[[], None]) -> None:
    written = 0
    with target.open("wb") as out:
        while chunk := stream.read(CHUNK_BYTES):
            written += len(chunk)
            _check_size(written, size)
            out.write(chunk)
            report()


def _check_size(written: int, size: int) -> None:
    """Raise BadInput if an upload of ``size`` bytes has more content than it may have."""
    if written > MAX_BYTES:
        raise BadInput(f"The file has more than {MAX_BYTES // 1024**3} GiB after decompression.")
    if written > max(ALWAYS_ALLOWED_BYTES, MAX_RATIO * size):
        raise BadInput(
            f"The upload of {size:,} bytes decompresses to more than {MAX_RATIO} times its size. "
            "If that is expected, upload it uncompressed."
        )
