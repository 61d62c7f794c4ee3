"""Parses the headers of the tus protocol.

Source: tus resumable upload protocol 1.0.x, https://tus.io/protocols/resumable-upload
"""

import base64
import binascii

from processing.errors import BadForm

CHECKSUMS = ("sha256", "sha1", "md5")
MAX_METADATA_CHARACTERS = 8192


def parse_metadata(header: str) -> dict[str, str]:
    """Parse Upload-Metadata: keys and base64 values. Raises BadForm."""
    if len(header) > MAX_METADATA_CHARACTERS:
        raise BadForm(f"Upload-Metadata is longer than {MAX_METADATA_CHARACTERS:,} characters.")
    metadata: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            metadata[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise BadForm(f"Upload-Metadata: the value of {key[:50]!r} is not base64.") from error
    return metadata


def parse_checksum(header: str | None) -> tuple[str, bytes] | None:
    """Parse Upload-Checksum: an algorithm and a base64 digest. Raises BadForm."""
    if header is None:
        return None
    name, _, value = header.partition(" ")
    if name not in CHECKSUMS:
        raise BadForm(f"Upload-Checksum must use one of {', '.join(CHECKSUMS)}.")
    try:
        return name, base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadForm("Upload-Checksum: the digest is not base64.") from error
