#!/bin/sh
# Installs the tools of Debian that building and trying the packages takes, where they are missing. Needs root then.
set -eu
missing=
for tool in debhelper dpkg-dev python3-venv systemd-container mmdebstrap util-linux iproute2 openssh-client gnupg gpgv lintian piuparts gcc libc6-dev; do
    dpkg-query -W -f '${db:Status-Status}' "$tool" 2> /dev/null | grep -qx installed || missing="$missing $tool"
done
[ -n "$missing" ] || exit 0
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null
