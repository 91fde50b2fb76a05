#!/bin/sh
# Verifies this bundle and installs sightd from it, without a network.
# usage: sh install.sh HASH   HASH: of the signing key's file, told to you by whoever made the bundle
set -eu
cd "$(dirname "$0")"
[ $# -eq 1 ] || { echo "usage: sh install.sh HASH (the SHA-256 of sightd.gpg, told to you by another way)" >&2; exit 2; }
echo "$1  sightd.gpg" | sha256sum --check --quiet || { echo "sightd.gpg is not the key that you were told." >&2; exit 1; }
gpgv --quiet --keyring ./sightd.gpg MANIFEST.sig MANIFEST || { echo "MANIFEST is not signed with that key." >&2; exit 1; }
sha256sum --check --quiet MANIFEST || { echo "A file of the bundle was changed." >&2; exit 1; }

here=$(pwd)
install -Dm644 sightd.gpg /usr/share/keyrings/sightd.gpg
list=/etc/apt/sources.list.d/sightd-bundle.list
trap 'rm -f "$list"' EXIT
echo "deb [signed-by=/usr/share/keyrings/sightd.gpg] file:$here/repository ./" > "$list"
# Only this list is read: there may be no network for the others.
alone="-o Dir::Etc::sourcelist=$list -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0"
apt-get $alone -qq update
apt-get $alone -y --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    install sightd

install -d -o sightd -g sightd -m 750 /var/lib/sightd /var/lib/sightd/models
for model in models/*/; do
    [ -d "$model" ] || continue
    cp -r "$model" /var/lib/sightd/models/
    echo "Model: /var/lib/sightd/models/$(basename "$model") (write it to model.path in /etc/sightd/sightd.toml)"
done
chown -R sightd:sightd /var/lib/sightd/models
sightctl check-config
echo "Installed. Start it with: systemctl enable --now sightd"
