#!/bin/sh
# Makes build/fleet-layer, which over build/system-root is a host that Ansible reaches: sshd and python3-apt; and
# build/fleet-debs, the packages of gateways and monitors, for a bundle: hosts have no network and no package source.
# Needs root.
set -eu
cd "$(dirname "$0")/../.."
layer=build/fleet-layer
tests/layer.sh fleet "openssh-server python3-apt iproute2" "haproxy prometheus"
[ -d "$layer/var/cache/apt/archives" ] || exit 0
mkdir -p "$layer/etc/apt/sources.list.d"
for source in build/system-root/etc/apt/sources.list.d/*; do
    : > "$layer/etc/apt/sources.list.d/${source##*/}"
done
rm -rf "$layer/var/lib/apt/lists" build/fleet-debs
mv "$layer/var/cache/apt/archives" build/fleet-debs
