"""Checks both compose files: `python -m tests.compose`.

By `docker compose config` where there is one, and by what they must say in any case.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PROGRAMS = {"web", "worker", "migrate"}
SERVERS = {"db", "redis"}


class _Loader(yaml.SafeLoader):
    """Knows compose's !reset."""


_Loader.add_constructor("!reset", lambda loader, node: None)


def problems(name: str) -> list[str]:
    """What is wrong with one of the files; empty if nothing is."""
    document: dict[str, Any] = yaml.load((ROOT / name).read_text(), _Loader)
    services = document["services"]
    found = []
    if set(services) != PROGRAMS | SERVERS:
        found.append(f"services are {sorted(services)}")
    for service, body in services.items():
        for port in body.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                found.append(f"{service} publishes {port} beyond loopback")
    return found + (_hardening(services) if name == "docker-compose.yml" else [])


def _hardening(services: dict[str, Any]) -> list[str]:
    """What a deployment must say that a development set-up need not."""
    found = []
    published = {name: body["ports"] for name, body in services.items() if "ports" in body}
    if published != {"web": ["127.0.0.1:8000:8000"]}:
        found.append(f"published are {published}")
    for name, body in services.items():
        if not body.get("read_only"):
            found.append(f"{name} has a writable root file system")
        if name != "migrate" and "healthcheck" not in body:
            found.append(f"{name} has no health check")
        if "restart" not in body:
            found.append(f"{name} has no restart policy")
    return found


def composed(name: str) -> list[str]:
    """What docker compose says of the file, where there is a docker with compose."""
    if shutil.which("docker") is None:
        return []
    probe = subprocess.run(["docker", "compose", "version"], capture_output=True, cwd=ROOT)
    if probe.returncode != 0:
        print("no docker compose here: the files are checked by their content alone")
        return []
    result = subprocess.run(
        ["docker", "compose", "-f", name, "config", "--quiet"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return [result.stderr.strip()] if result.returncode else []


def main() -> int:
    """Check both and return the exit status."""
    failed = 0
    for name in ("docker-compose.yml", "docker-compose.dev.yml"):
        for problem in problems(name) + composed(name):
            print(f"{name}: {problem}")
            failed += 1
    if not failed:
        print("Both compose files are as they must be.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
