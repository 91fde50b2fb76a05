"""Bundles as `make bundle` makes them, of packages that are changed for the tests' purposes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

TOP = Path(__file__).parents[2]
SIGNER = "tests@example.org"


def runtime(into: Path) -> None:
    """A stand-in for the runtime package, which hosts have already, so that copying it does not take minutes."""
    (original,) = (TOP / "dist").glob("sightd-runtime-cpu_*.deb")
    control = subprocess.run(["dpkg-deb", "-f", original], check=True, capture_output=True).stdout
    tree = into.parent / "runtime"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_bytes(control)
    subprocess.run(["dpkg-deb", "-b", tree, into / original.name], check=True, stdout=subprocess.DEVNULL)


class Workshop:
    """Makes bundles in a folder, signed with a key of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = os.environ | {"GNUPGHOME": str(folder / "gnupg")}
        (folder / "gnupg").mkdir(mode=0o700)
        options = ["--batch", "--passphrase", "", "--quick-gen-key", SIGNER, "ed25519", "sign", "never"]
        subprocess.run(["gpg", *options], env=self._environment, check=True, capture_output=True)
        self.key_hash = ""

    def bundle(
        self, version: str, broken: str = "", models: tuple[Path, ...] = (), debs: tuple[Path, ...] = ()
    ) -> Path:
        """A bundle of sightd in this version. `broken` is shell text to run in place of `sightd`; `debs` come with it."""
        place = self.folder / version
        (place / "dist").mkdir(parents=True)
        shutil.copytree(TOP / "packaging", place / "packaging")
        runtime(place / "dist")
        self._package(version, broken, place / "dist")
        done = subprocess.run(
            [place / "packaging" / "bundle.sh", "cpu", SIGNER, *map(str, models)],
            env=self._environment | {"DEBS": " ".join(map(str, debs))},
            check=True,
            capture_output=True,
            text=True,
        )
        self.key_hash = done.stdout.split()[-1]
        # gpg leaves an agent behind.
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=self._environment, check=True)
        return place / "dist" / "sightd-bundle.tar"

    def _package(self, version: str, broken: str, into: Path) -> None:
        (original,) = (TOP / "dist").glob("sightd_*_all.deb")
        tree = into.parent / "tree"
        subprocess.run(["dpkg-deb", "-R", original, tree], check=True)
        control = tree / "DEBIAN" / "control"
        lines = control.read_text().splitlines()
        changed = [f"Version: {version}" if line.startswith("Version:") else line for line in lines]
        control.write_text("\n".join(changed) + "\n")
        if broken:
            (tree / "usr" / "bin" / "sightd").write_text(f"#!/bin/sh\n{broken}\n")
        subprocess.run(
            ["dpkg-deb", "-Zgzip", "-z1", "-b", tree, into / f"sightd_{version}_all.deb"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        shutil.rmtree(tree)
