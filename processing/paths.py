"""The folder that contains the packages, templates and migrations."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
