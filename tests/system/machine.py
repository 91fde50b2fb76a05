"""A booted systemd: systemd-nspawn on a throw-away copy of a root directory, where PID 1 of this machine is another.

The unified cgroup hierarchy is used, in which device rules hold. Memory limits do not hold there, since the host may keep
that controller for itself; `memory=True` uses the older hierarchies, in which they hold and device rules do not.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from ..waiting import until

CGROUPS = Path("/sys/fs/cgroup")
UNIFIED, OLDER = ("unified", "systemd"), ("unified", "systemd", "memory")
# systemd-nspawn mounts this controller for reading only, which must be undone before systemd looks at it.
OLDER_INIT = "mount -o remount,bind,rw,nosuid,nodev,noexec /sys/fs/cgroup/memory && exec /lib/systemd/systemd"
BOOT_SECONDS = 60.0
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb"}


class Machine:
    """One container; `folder` holds what is written to it, until `stop`. `root` may be several directories, the upper
    first, joined by colons. `network` is systemd-nspawn's option for it, `memory` asks for limits of memory that hold in
    place of rules for devices."""

    def __init__(
        self,
        root: Path | str,
        folder: Path,
        name: str = "",
        network: str = "--private-network",
        memory: bool = False,
    ) -> None:
        self.name = f"sightd{os.getpid()}{name}"
        self._network = network
        self._memory = memory
        # A cgroup of its own: otherwise all containers of this machine share one.
        self._groups = [CGROUPS / hierarchy / self.name for hierarchy in (OLDER if memory else UNIFIED)]
        self.root = folder / "root"
        for part in ("upper", "work", "root"):
            (folder / part).mkdir(parents=True)
        layers = f"lowerdir={root},upperdir={folder / 'upper'},workdir={folder / 'work'}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, self.root], check=True)
        self._console = folder / "console.log"
        self._nspawn = self._boot()
        self.leader = 0
        try:
            until(self._booted, BOOT_SECONDS, f"a booted systemd; see {self._console}")
        except BaseException:
            self.stop()
            raise

    def _boot(self) -> subprocess.Popen[bytes]:
        for group in self._groups:
            group.mkdir(exist_ok=True)
        enter = " && ".join(f"echo $$ > {group}/cgroup.procs" for group in self._groups)
        # Without bpf() device rules would silently not hold, and decoders lock themselves in with the others.
        nspawn = f"exec systemd-nspawn -q -D {self.root} -M {self.name} --register=no --keep-unit"
        calls = "bpf landlock_create_ruleset landlock_add_rule landlock_restrict_self"
        options = f"--console=read-only --system-call-filter='{calls}' {self._network} --hostname={self.name}"
        init = f"--kill-signal=SIGRTMIN+3 /bin/sh -c '{OLDER_INIT}'" if self._memory else "--boot"
        with self._console.open("wb") as console:
            return subprocess.Popen(
                ["sh", "-c", f"{enter} && {nspawn} {options} {init}"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0" if self._memory else "1"},
                start_new_session=True,
            )

    def _booted(self) -> bool:
        assert self._nspawn.poll() is None, self._console.read_text(errors="replace")[-2000:]
        pid = self._nspawn.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if not children or Path(f"/proc/{children[0]}/comm").read_text().strip() != "systemd":
            return False
        self.leader = int(children[0])
        return self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def run(self, *command: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """The outcome of a command inside."""
        return subprocess.run(
            [*self._enter("-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"), *command],
            capture_output=True,
            text=True,
            timeout=seconds,
            env=ENVIRONMENT,
            check=False,
        )

    def must(self, *command: str, seconds: float = 120) -> str:
        """What a command inside prints; it must succeed."""
        done = self.run(*command, seconds=seconds)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def beside(self, *command: str) -> subprocess.Popen[str]:
        """A program of this machine, on the container's network."""
        return subprocess.Popen([*self._enter("-n"), *command], stdout=subprocess.PIPE, text=True)

    def _enter(self, *namespaces: str) -> list[str]:
        return ["nsenter", "-t", str(self.leader), *namespaces, "--"]

    def write(self, path: str, text: str) -> None:
        """A file inside, readable for all."""
        self.must("mkdir", "-p", str(Path(path).parent))
        file = self.root / path.lstrip("/")
        file.write_text(text)
        file.chmod(0o644)

    def show(self, name: str, unit: str = "sightd") -> str:
        """A property of a unit."""
        return self.must("systemctl", "show", unit, "--value", "-p", name).strip()

    def journal(self, *arguments: str) -> str:
        """What the journal has of sightd's unit."""
        return self.must("journalctl", "-u", "sightd", "--no-pager", *arguments)

    def stop(self) -> None:
        """Power off and throw away what was written."""
        self._nspawn.send_signal(signal.SIGTERM)
        try:
            self._nspawn.wait(60)
        except subprocess.TimeoutExpired:
            for pid in filter(None, (self.leader, self._nspawn.pid)):
                os.kill(pid, signal.SIGKILL)
            self._nspawn.wait(10)
        subprocess.run(["umount", "-l", self.root], check=False)
        for group in self._groups:
            for folder, _, _ in os.walk(group, topdown=False):
                Path(folder).rmdir()
