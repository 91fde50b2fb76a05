#!/bin/sh
# Writes the package's control files and documents, with the time SOURCE_DATE_EPOCH.
# usage: control.sh VARIANT VERSION TREE
set -eu
variant=$1
version=$2
tree=$3
here=$(dirname "$0")
python=python$(sed -n '1s/.*for CPython \([0-9.]*\) .*/\1/p' "$here/lock-$variant.txt")
documents=$tree/usr/share/doc/sightd-runtime-$variant
mkdir -p "$tree/DEBIAN" "$documents" "$tree/usr/share/lintian/overrides"
size=$(du -sk --exclude=DEBIAN "$tree" | cut -f1)
cat > "$tree/DEBIAN/control" <<END
Package: sightd-runtime-$variant
Version: $version
Architecture: amd64
Maintainer: The sightd developers <sightd@localhost>
Installed-Size: $size
Depends: $python, libc6, libgcc-s1, libstdc++6, zlib1g, libseccomp2
Provides: sightd-runtime (= $version)
Conflicts: sightd-runtime
Replaces: sightd-runtime
Section: python
Priority: optional
Homepage: https://github.com/sightd/sightd
Description: torch and the other libraries that sightd runs on ($variant)
 A virtual environment for sightd alone, in /usr/lib/sightd-runtime, made from
 pinned and hashed wheels. It changes rarely: sightd itself is a small package
 of its own.
END
cp "$here/copyright" "$documents/copyright"
cp "$here/lock-$variant.txt" "$documents/wheels.txt"
printf 'sightd-runtime-%s (%s) stable; urgency=medium\n\n  * Wheels as listed in wheels.txt.\n\n -- The sightd developers <sightd@localhost>  %s\n' \
    "$variant" "$version" "$(date -Rud "@$SOURCE_DATE_EPOCH")" | gzip -9n > "$documents/changelog.gz"
sed "s/VARIANT/$variant/" "$here/lintian-overrides" > "$tree/usr/share/lintian/overrides/sightd-runtime-$variant"
(cd "$tree" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) > "$tree/DEBIAN/md5sums"
find "$tree" -type d -exec chmod 755 {} +
chmod -R u+w,go+r,go-w "$tree"
