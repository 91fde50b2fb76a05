"""Hosts, an inventory, and the playbooks that are run against them."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..system.bundles import TOP, Workshop
from .bridge import Bridge, Host

log = logging.getLogger(__name__)

RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
LAYERS = f"{TOP / 'build' / 'fleet-layer'}:{TOP / 'build' / 'system-root'}"
COLLECTIONS = TOP / "build" / "collections"
DEBS = TOP / "build" / "fleet-debs"
BIN = Path(sys.executable).parent
TELL = """import socket, sys
with socket.socket(socket.AF_UNIX) as admin:
    admin.connect("/run/haproxy/admin.sock")
    admin.sendall(sys.argv[1].encode() + b"\\n")
    print(admin.makefile().read())
"""


@dataclass(frozen=True)
class Run:
    """A playbook's run: its status, what it printed in one line, and by host how many tasks changed something."""

    status: int
    said: str
    changed: dict[str, int]


class Fleet:
    """Everything that the tests share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts: dict[str, Host] = {}
        self._minor = 1
        self.bridge = Bridge()
        self.workshop = Workshop(folder)
        self.keys = {name: secrets.token_urlsafe(40) for name in ("ended", "limited", "first")}
        self.rights: dict[str, dict[str, Any]] = {
            "ended": {"expires": "2020-01-01T00:00:00Z"},
            "limited": {"requests_per_minute": 1},
        }
        self.key_file = folder / "keys"
        self.let_clients_use(self.key)
        self.variables: dict[str, Any] = {
            "sightd_settings": {"engine": {"devices": ["cpu"], "threads": 1}, "server": {"drain_seconds": 30}},
            "sightd_unit": ["PrivateDevices=yes", "DeviceAllow="],
            "sightd_disk_mib": 1024,
        }
        self.gateway: dict[str, Any] = {}
        self.vault_password = folder / "vault-password"
        self.vault_password.write_text(secrets.token_urlsafe())
        # Sockets of ssh have short paths.
        self._sockets = tempfile.TemporaryDirectory(prefix="fl")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "ssh"], check=True)

    def boot(self, name: str, number: int) -> Host:
        """A bare host that Ansible reaches."""
        host = self.bridge.boot(LAYERS, self.folder / name, name, number)
        self.hosts[name] = host
        ssh = host.root / "root" / ".ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        (ssh / "authorized_keys").write_text((self.folder / "ssh.pub").read_text())
        return host

    def close(self) -> None:
        """End all of it."""
        for host in self.hosts.values():
            host.stop()
        self.bridge.remove()
        self._sockets.cleanup()

    @property
    def url(self) -> str:
        """The gateway."""
        return f"http://{self.hosts['gate'].address}"

    @property
    def servers(self) -> list[str]:
        """The names of the hosts that run sightd, in alphabetical order."""
        return sorted(self.hosts.keys() - {"gate"})

    @property
    def versions(self) -> dict[str, str]:
        """The version of sightd on every server."""
        return {name: self.version(name) for name in self.servers}

    @property
    def key(self) -> str:
        """The newest key."""
        return list(self.keys.values())[-1]

    def let_clients_use(self, key: str) -> None:
        """From now on the clients of `load` show this key."""
        draft = self.key_file.with_suffix(".new")
        draft.write_text(key)
        draft.rename(self.key_file)

    def carry(self, version: str, **parts: Any) -> None:
        """From now on the inventory names a new bundle of this version, with the packages of gateways and monitors."""
        parts.setdefault("debs", tuple(sorted(DEBS.glob("*.deb"))))
        self.variables["sightd_bundle"] = str(self.workshop.bundle(version, **parts))
        self.variables["sightd_bundle_key_sha256"] = self.workshop.key_hash

    def newer(self) -> str:
        """A version above all that were asked for before."""
        self._minor += 1
        return f"0.{self._minor}.0"

    @contextmanager
    def other_bundle(self, version: str, **parts: Any) -> Iterator[None]:
        """Meanwhile the inventory names a bundle of this version; afterwards its variables are what they were."""
        good = dict(self.variables)
        self.carry(version, **parts)
        try:
            yield
        finally:
            self.variables = good

    def inventory(self, extra: dict[str, str]) -> dict[str, Any]:
        """All hosts; `extra` are the addresses of more servers."""
        addresses = {name: host.address for name, host in self.hosts.items()} | extra
        servers = {name: {"ansible_host": at} for name, at in addresses.items() if name != "gate"}
        reached = {"ansible_user": "root", "ansible_ssh_private_key_file": str(self.folder / "ssh")}
        secret = {"sightd_keys": "{{ vault_sightd_keys }}"}
        return {
            "servers": {"hosts": servers},
            "gateways": {"hosts": {"gate": {"ansible_host": addresses["gate"]}}, "vars": self.gateway},
            "monitors": {"hosts": {"gate": {}}},
            "all": {"vars": reached | secret | self.variables},
        }

    def write_vault(self) -> None:
        """The keys, encrypted, where the inventory's variables are looked for."""
        entry = {"created": "2020-01-01T00:00:00Z"}
        keys = [{"name": n, "key": k} | entry | self.rights.get(n, {}) for n, k in self.keys.items()]
        vault = self.folder / "group_vars" / "all.yml"
        vault.parent.mkdir(exist_ok=True)
        vault.write_text(json.dumps({"vault_sightd_keys": keys}))
        command = [BIN / "ansible-vault", "encrypt", "--vault-password-file", self.vault_password, vault]
        subprocess.run(command, env=self._environment(), check=True, capture_output=True)

    def play(
        self,
        name: str,
        *options: str,
        extra: dict[str, Any] | None = None,
        more: dict[str, str] | None = None,
        opened: bool = True,
    ) -> Run:
        """Run one of the collection's playbooks. `extra` are variables for this run, `more` further servers; the vault's
        password is told when it is to be `opened`."""
        inventory = self.folder / "hosts.json"
        inventory.write_text(json.dumps(self.inventory(more or {})))
        self.write_vault()
        command = [BIN / "ansible-playbook", "-i", inventory, f"sightd.sightd.{name}", "-e", json.dumps(extra or {})]
        command += ["--vault-password-file", self.vault_password] if opened else []
        last = self.folder / "last-run"
        with last.open("w") as output:
            done = subprocess.run(
                [*command, *options], env=self._environment(), stdout=output, stderr=output, check=False
            )
        text = last.read_text()
        changed = {host: int(count) for host, count, _, _ in RECAP.findall(text)}
        return Run(done.returncode, " ".join(text.split()), changed)

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_TIMEOUT": "20",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": self._sockets.name,
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=120s -o UserKnownHostsFile=/dev/null "
            "-o LogLevel=ERROR -o ServerAliveInterval=5",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "False",
            "ANSIBLE_NOCOLOR": "True",
            "HOME": str(self.folder),
        }

    def tell_gateway(self, command: str) -> None:
        """A command to HAProxy's admin socket, which has nothing to say to it."""
        said = self.hosts["gate"].must("python3", "-c", TELL, command)
        assert not said.strip(), said

    def version(self, name: str) -> str:
        """The installed version of sightd; empty when there is none."""
        return self.hosts[name].run("dpkg-query", "-W", "-f", "${Version}", "sightd").stdout

    @contextmanager
    def load(self, clients: int) -> Iterator[dict[str, int]]:
        """Clients at work at the gateway meanwhile; afterwards the dictionary has what came of their requests."""
        end = self.folder / "end"
        end.unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.fleet.load", self.url, str(self.key_file), str(end), str(clients)]
        program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TOP)
        outcomes: dict[str, int] = {}
        try:
            yield outcomes
        finally:
            end.touch()
            outcomes.update(json.loads(program.communicate(timeout=200)[0]))
            log.info("What came of the requests: %s", outcomes)
