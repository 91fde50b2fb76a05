#!/bin/sh
# Makes build/fleet-layer, which over build/system-root is a host that Ansible reaches: sshd and python3-apt. HAProxy and
# Prometheus are not installed, but apt has them in its cache. Needs root.
exec "$(dirname "$0")/../layer.sh" fleet "openssh-server python3-apt iproute2" "haproxy prometheus"
