"""Environments of their own for the peers, so that the product does not depend on them."""

import subprocess
import sys
from pathlib import Path

UV = Path(sys.executable).with_name("uv")


def prepare(environment: Path, requirements: Path) -> Path:
    """Install what a file of requirements lists; return the environment's Python."""
    python = environment / "bin" / "python"
    subprocess.run([UV, "venv", "--quiet", "--allow-existing", environment], check=True)
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*install, "-r", requirements], check=True)
    return python
