#!/bin/sh
# Builds the wheel and sightd_VERSION_all.deb into dist/. The same sources give the same bytes: all times are that of
# the last entry of packaging/debian/changelog. usage: packaging/build-deb.sh PYTHON
set -eu
cd "$(dirname "$0")/.."
python=$1
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' packaging/debian/changelog)
SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^ -- .*>  //p' packaging/debian/changelog | head -1)" +%s)
export SOURCE_DATE_EPOCH
stage=build/deb/sightd-$version
rm -rf build/deb
mkdir -p "$stage" dist
cp -r systemd docs README.md README.zh-CN.md LICENSE "$stage"
mkdir "$stage/packaging"
cp -r packaging/man "$stage/packaging"
cp -r packaging/debian "$stage/debian"
"$python" -m pip wheel --quiet --no-deps --wheel-dir dist .
cp "dist/sightd-$version-py3-none-any.whl" "$stage"
(cd "$stage" && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps > ../build.log 2>&1) ||
    { cat build/deb/build.log >&2; exit 1; }
cp "build/deb/sightd_${version}_all.deb" dist
