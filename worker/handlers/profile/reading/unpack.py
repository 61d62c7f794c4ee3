"""Compressed uploads, told by their content: one compressed stream, or an archive of one file."""

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

CHUNK_BYTES = 1024 * 1024
# Text rarely shrinks more than a hundredfold; what grows beyond both limits is a bomb.
MAX_RATIO = 500
SURELY_FINE_BYTES = 64 * 1024 * 1024
MAX_BYTES = 64 * 1024**3

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
}


def unpack(upload: Path, target: Path, report: Callable[[float], None]) -> str | None:
    """Write what a compressed upload holds to ``target``; return the compression, None if plain.

    ``report`` gets the share of the upload that was read, 0–1.

    Raises:
        BadInput: the data is damaged, cut off, encrypted, holds several files or grows too much.
    """
    with upload.open("rb") as file:
        head = file.read(8)
    name = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    if name is None:
        return None
    try:
        with upload.open("rb") as file:
            if name == "zip":
                with zipfile.ZipFile(file) as archive, archive.open(_member(archive)) as member:
                    _copy(member, target, file, upload.stat().st_size, report)
            else:
                with _opened(name, file) as stream:
                    _copy(stream, target, file, upload.stat().st_size, report)
    except (
        EOFError,
        OSError,
        zlib.error,
        lzma.LZMAError,
        zstandard.ZstdError,
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,  # zipfile's word for an encrypted member
    ) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk, not the data
        raise BadInput(f"The {name} data cannot be unpacked: {error}.") from error
    return name


def _opened(name: str, file: IO[bytes]) -> Any:
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


def _member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The only file of an archive, leaving out what macOS adds."""
    names = {info.filename for info in archive.infolist()}
    if "[Content_Types].xml" in names:
        raise BadInput("This is an Office document, not a CSV file; save the sheet as CSV first.")
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise BadInput(
            f"The ZIP archive holds {len(members):,} files. Upload them one by one, or as an "
            "archive of one."
        )
    return members[0]


def _copy(
    stream: IO[bytes], target: Path, file: IO[bytes], size: int, report: Callable[[float], None]
) -> None:
    written = 0
    with target.open("wb") as out:
        while chunk := stream.read(CHUNK_BYTES):
            written += len(chunk)
            if written > MAX_BYTES or (written > SURELY_FINE_BYTES and written > MAX_RATIO * size):
                raise BadInput(
                    f"The upload of {size:,} bytes unpacks to more than {written:,} bytes, more "
                    f"than {MAX_RATIO} times its size. Unpack it first if that is right."
                )
            out.write(chunk)
            report(min(1.0, file.tell() / size))
