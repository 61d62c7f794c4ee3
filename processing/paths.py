"""Where the files that come with the code are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
