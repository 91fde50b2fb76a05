"""Writes a lock file for the runtime package: every wheel that it is made of, pinned and with its hash.

usage: python packaging/runtime/lock.py VARIANT [PIP ARGUMENTS...] > packaging/runtime/lock-VARIANT.txt

The wheels are those for the Python that runs it. pip's own configuration says where they come from, and so which build
of torch is chosen: PIP_CONFIG_FILE=/dev/null gives the one that is published for cards.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def resolved(arguments: list[str]) -> list[tuple[str, str, str]]:
    """Name, version and SHA-256 of each wheel that pip chooses for our dependencies."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    pinned = ["--only-binary", ":all:", "-c", str(ROOT / "packaging" / "constraints.txt")]
    done = subprocess.run([*pip, *pinned, "--report", "-", *arguments, *wanted], check=True, stdout=subprocess.PIPE)
    chosen = [(entry["metadata"], entry["download_info"]) for entry in json.loads(done.stdout)["install"]]
    return sorted((about["name"].lower(), about["version"], hash_of(download)) for about, download in chosen)


def hash_of(download: dict[str, dict[str, dict[str, str]]]) -> str:
    """The SHA-256 of a chosen file."""
    return download["archive_info"]["hashes"]["sha256"]


def main() -> None:
    """Print the lock file."""
    variant, *arguments = sys.argv[1:]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    made = "Made by packaging/runtime/lock.py."
    print(f"# The wheels of sightd-runtime-{variant} for CPython {python} on x86-64. {made}")
    for name, version, digest in resolved(arguments):
        print(f"{name}=={version} --hash=sha256:{digest}")


if __name__ == "__main__":
    main()
