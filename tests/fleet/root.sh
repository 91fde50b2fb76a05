#!/bin/sh
# Makes build/fleet-layer, which over build/system-root is a host that Ansible reaches: sshd and python3-apt. HAProxy and
# Prometheus are not installed, but apt has them in its cache, as hosts reach no network. Needs root.
set -eu
cd "$(dirname "$0")/../.."
base=build/system-root
layer=build/fleet-layer
cmp -s "$base.lock" "$layer.lock" && exit 0
rm -rf "$layer" "$layer.work"
mkdir -p "$layer" "$layer.work" "$layer.root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$layer,workdir=$layer.work" "$layer.root"
trap 'umount -l "$layer.root"; rm -rf "$layer.work" "$layer.root"' EXIT
cp /etc/resolv.conf "$layer.root/etc/resolv.conf"
export DEBIAN_FRONTEND=noninteractive
chroot "$layer.root" apt-get -qq update
chroot "$layer.root" apt-get -y -qq --no-install-recommends install openssh-server python3-apt iproute2 > /dev/null
chroot "$layer.root" apt-get -y -qq --no-install-recommends --download-only install haproxy prometheus > /dev/null
: > "$layer.root/etc/resolv.conf"
cp "$base.lock" "$layer.lock"
