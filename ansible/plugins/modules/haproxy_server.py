#!/usr/bin/python
"""Drains a server of HAProxy through its admin socket, and brings it back."""

DOCUMENTATION = r"""
module: haproxy_server
short_description: Drain a server of HAProxy, or bring it back
description:
  - Sets the administrative state of one server through HAProxy's admin socket.
  - Where there is no admin socket, and with a server that HAProxy does not know, nothing is done.
options:
  backend:
    description: The backend whose server it is; backends that track it follow.
    type: str
    default: sightd
  server:
    description: The name of the server.
    type: str
    required: true
  state:
    description: C(drain) sends it no new requests, C(ready) sends it requests as soon as its checks pass.
    type: str
    choices: [drain, ready]
    required: true
  others_up:
    description: How many other servers must be up; with fewer, nothing is drained.
    type: int
    default: 0
  wait_seconds:
    description: How long to wait until a drained server has no request, or a ready one is up.
    type: int
    default: 0
  socket:
    description: The admin socket.
    type: path
    default: /run/haproxy/admin.sock
author:
  - The sightd developers (@sightd)
"""

EXAMPLES = r"""
- name: Take a server out of the balance
  sightd.sightd.haproxy_server:
    server: gpu-1
    state: drain
    others_up: 1
    wait_seconds: 60
"""

RETURN = r"""
known:
  description: Whether HAProxy has such a server.
  type: bool
  returned: always
sessions:
  description: Requests that it is still working on.
  type: int
  returned: always
status:
  description: What HAProxy says of it, such as C(UP) or C(DRAIN).
  type: str
  returned: when HAProxy has such a server
"""

import csv
import io
import socket
import time

from ansible.module_utils.basic import AnsibleModule

FORCED_MAINTENANCE = 0x01
FORCED_DRAIN = 0x08


class Gateway:
    """HAProxy behind its admin socket."""

    def __init__(self, path, backend):
        self.path = path
        self.backend = backend

    def ask(self, command):
        """What HAProxy answers; raises OSError."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(self.path)
            connection.sendall(command.encode() + b"\n")
            with connection.makefile("r") as answer:
                return answer.read()

    def administrative_state(self, server):
        """The bits that operators have set, or None when there is no such server."""
        lines = [line.split() for line in self.ask("show servers state " + self.backend).splitlines()]
        names = next((line[1:] for line in lines if line[:1] == ["#"]), [])
        rows = [dict(zip(names, line)) for line in lines if len(line) == len(names) and line[0] != "#"]
        return next((int(row["srv_admin_state"]) for row in rows if row["srv_name"] == server), None)

    def servers(self):
        """A dictionary for each server of each backend."""
        rows = csv.DictReader(io.StringIO(self.ask("show stat").lstrip("# ")))
        return [row for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")]

    def sessions(self, server):
        """Requests that a server works on, of all backends."""
        return sum(int(row["scur"] or 0) for row in self.servers() if row["svname"] == server)

    def status(self, server):
        """HAProxy's word for a server's state, with what its last check said."""
        row = next(r for r in self.servers() if r["svname"] == server and r["pxname"] == self.backend)
        return row["status"], row.get("last_chk", "")

    def others_up(self, server):
        """How many of the other servers take requests."""
        ours = [row for row in self.servers() if row["pxname"] == self.backend and row["svname"] != server]
        return sum(row["status"].startswith(("UP", "no check")) for row in ours)

    def wait(self, done, seconds):
        """Whether `done` came true in time."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.2)
        return True


def run(module, gateway):
    """Do what is asked for."""
    server, state, seconds = module.params["server"], module.params["state"], module.params["wait_seconds"]
    bits = gateway.administrative_state(server)
    if bits is None:
        module.exit_json(changed=False, known=False, sessions=0)
    as_wanted = bits & FORCED_DRAIN if state == "drain" else not bits & (FORCED_DRAIN | FORCED_MAINTENANCE)
    changed = not as_wanted
    if changed and state == "drain" and gateway.others_up(server) < module.params["others_up"]:
        module.fail_json(
            msg="%s is not drained: fewer than %d other servers are up at the gateway, so that requests would be lost. "
            "Bring another server up first, or accept the outage with sightd_others_up=0."
            % (server, module.params["others_up"])
        )
    if changed and not module.check_mode:
        said = gateway.ask("set server %s/%s state %s" % (gateway.backend, server, state)).strip()
        if said:
            module.fail_json(msg="HAProxy refuses: %s" % said)
    if not module.check_mode and state == "drain":
        gateway.wait(lambda: gateway.sessions(server) == 0, seconds)
    elif not module.check_mode and seconds:
        up = gateway.wait(lambda: gateway.status(server)[0] == "UP", seconds)
        if not up:
            module.fail_json(
                msg="%s is not up at the gateway after %d seconds: %s (%s)"
                % ((server, seconds) + gateway.status(server))
            )
    module.exit_json(
        changed=changed, known=True, sessions=gateway.sessions(server), status=gateway.status(server)[0],
        diff={"before": {"drained": bool(bits & FORCED_DRAIN)}, "after": {"drained": state == "drain"}},
    )


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "backend": {"type": "str", "default": "sightd"},
            "server": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["drain", "ready"], "required": True},
            "others_up": {"type": "int", "default": 0},
            "wait_seconds": {"type": "int", "default": 0},
            "socket": {"type": "path", "default": "/run/haproxy/admin.sock"},
        },
        supports_check_mode=True,
    )
    try:
        run(module, Gateway(module.params["socket"], module.params["backend"]))
    except FileNotFoundError:
        # No HAProxy has run there yet, so nobody gets requests through it.
        module.exit_json(changed=False, known=False, sessions=0)
    except OSError as error:
        module.fail_json(
            msg="HAProxy's admin socket %s cannot be used: %s. Is haproxy running there?"
            % (module.params["socket"], error)
        )


if __name__ == "__main__":
    main()
