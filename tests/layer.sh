#!/bin/sh
# Makes build/NAME-layer, the upper directory of an overlay over build/system-root: with packages of Debian that are
# installed, and others that apt has in its cache only, as booted machines reach no network. Needs root.
# usage: tests/layer.sh NAME "INSTALLED..." ["CACHED..."]
set -eu
cd "$(dirname "$0")/.."
base=build/system-root
layer=build/$1-layer
{ cat "$base.lock"; echo "$@"; } > "$layer.wanted"
cmp -s "$layer.wanted" "$layer.lock" && exit 0
rm -rf "$layer" "$layer.work"
mkdir -p "$layer" "$layer.work" "$layer.root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$layer,workdir=$layer.work" "$layer.root"
trap 'umount -l "$layer.root"; rm -rf "$layer.work" "$layer.root"' EXIT
cp /etc/resolv.conf "$layer.root/etc/resolv.conf"
export DEBIAN_FRONTEND=noninteractive
chroot "$layer.root" apt-get -qq update
chroot "$layer.root" apt-get -y -qq --no-install-recommends install $2 > /dev/null
[ -z "${3:-}" ] || chroot "$layer.root" apt-get -y -qq --no-install-recommends --download-only install $3 > /dev/null
: > "$layer.root/etc/resolv.conf"
mv "$layer.wanted" "$layer.lock"
