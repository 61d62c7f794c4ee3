"""Remembers unfinished uploads between runs, one small file per upload."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path


class ResumeStore:
    """The addresses of unfinished uploads, under ``folder``.

    An upload is found again by server, path, size, modification time and options. The store only
    saves work: where its folder cannot be read or written, an upload starts from the beginning.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _entry(self, server: str, path: Path, fields: Mapping[str, str]) -> Path:
        facts = path.stat()
        identity = [server, str(path.absolute()), facts.st_size, facts.st_mtime_ns, dict(fields)]
        name = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
        return self._folder / f"{name}.json"

    def load(self, server: str, path: Path, fields: Mapping[str, str]) -> str | None:
        """Return the address of an unfinished upload of this file, if there is one."""
        try:
            return str(json.loads(self._entry(server, path, fields).read_text())["url"])
        except (OSError, ValueError, KeyError):
            return None

    def save(self, server: str, path: Path, fields: Mapping[str, str], url: str) -> None:
        """Remember an unfinished upload."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            entry = self._entry(server, path, fields)
            entry.touch(mode=0o600)
            entry.write_text(json.dumps({"url": url, "path": str(path)}))
        except OSError:
            return

    def delete(self, server: str, path: Path, fields: Mapping[str, str]) -> None:
        """Forget an upload that is complete."""
        try:
            self._entry(server, path, fields).unlink(missing_ok=True)
        except OSError:
            return
