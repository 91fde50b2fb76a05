#!/bin/sh
# Makes build/system-root: a minimal Debian 12 with the runtime package, for tests/system. It is made once, and again
# when the runtime package is another. Needs root. usage: system-root.sh VARIANT
set -eu
cd "$(dirname "$0")/.."
runtime=$(ls dist/sightd-runtime-"$1"_*.deb)
root=build/system-root
cmp -s "build/runtime-$1/pack.done" "$root.lock" && [ -d "$root" ] && exit 0
rm -rf "$root"
# The archive that this machine itself uses.
sources=$(find /etc/apt -name '*.sources' -o -name '*.list')
mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,procps,curl,ca-certificates,python3,\
libseccomp2,libstdc++6,zlib1g bookworm "$root" $sources
rm -f "$root/etc/hostname"
: > "$root/etc/machine-id"
cp "$runtime" "$root/root/runtime.deb"
chroot "$root" dpkg -i /root/runtime.deb
rm "$root/root/runtime.deb"
cp "build/runtime-$1/pack.done" "$root.lock"
