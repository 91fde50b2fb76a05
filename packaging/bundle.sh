#!/bin/sh
# Makes dist/sightd-bundle.tar: an apt repository signed with KEY (a GnuPG user id), install.sh, and checkpoint folders.
# Packages that are named in DEBS come with it, such as haproxy for a gateway.
# usage: [DEBS="FILE..."] packaging/bundle.sh VARIANT KEY [MODEL_FOLDER...]
set -eu
cd "$(dirname "$0")/.."
[ $# -ge 2 ] || { echo "usage: make bundle KEY=you@example.org [MODELS=\"/srv/models/NAME ...\"]" >&2; exit 2; }
variant=$1
key=$2
shift 2
work=build/bundle
rm -rf "$work"
mkdir -p "$work/repository" "$work/models"
cp dist/sightd_*_all.deb "dist/sightd-runtime-${variant}"_*.deb "$work/repository"
[ -z "${DEBS:-}" ] || cp $DEBS "$work/repository"
cp packaging/install.sh "$work"
for model; do
    cp -r "$model" "$work/models/"
done
(
    cd "$work/repository"
    dpkg-scanpackages --multiversion . > Packages 2> /dev/null
    hash=$(sha256sum Packages | cut -d' ' -f1)
    printf 'Origin: sightd\nLabel: sightd\nDate: %s\nSHA256:\n %s %s Packages\n' \
        "$(date -Ru)" "$hash" "$(stat -c %s Packages)" > Release
    gpg --batch --yes --local-user "$key" --clearsign --output InRelease Release
    gpg --batch --yes --output ../sightd.gpg --export "$key"
)
# What is not in the signed repository is in a signed list.
(
    cd "$work"
    find install.sh models -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum > MANIFEST
    gpg --batch --yes --local-user "$key" --detach-sign --output MANIFEST.sig MANIFEST
    echo "Tell whoever installs it: sh install.sh $(sha256sum sightd.gpg | cut -d' ' -f1)"
)
tar --sort=name --owner=0 --group=0 -C build --transform 's/^bundle/sightd-bundle/' -cf dist/sightd-bundle.tar bundle
