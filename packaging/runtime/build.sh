#!/bin/sh
# Builds sightd-runtime-VARIANT_VERSION_ARCH.deb: the virtual environment that sightd runs in, from pinned and hashed
# wheels, for the system's Python, which must be the one that the lock file names. Each step leaves a mark and is done
# again only when what it is made of has changed; wheels stay, so that a build with the same lock file needs no network.
# usage: packaging/runtime/build.sh VARIANT [STEP]   STEP: fetch, install, compile, pack; all of them when left out
set -eu
cd "$(dirname "$0")/../.."
variant=$1
only=${2:-all}
here=packaging/runtime
version=$(cat $here/version)
# All files have the time of the version's month at most.
SOURCE_DATE_EPOCH=$(date -ud "$(echo "$version" | tr . -)-01" +%s)
export SOURCE_DATE_EPOCH
lock=$here/lock-$variant.txt
work=build/runtime-$variant
# Of their own: torch for cards and for the processor are one version to pip.
wheels=$work/wheels
tree=$work/root
home=usr/lib/sightd-runtime
[ -e "$lock" ] || { echo "There is no $lock; make it with packaging/runtime/lock.py." >&2; exit 1; }
python=/usr/bin/python$(sed -n '1s/.*for CPython \([0-9.]*\) .*/\1/p' "$lock")
[ -x "$python" ] || { echo "$lock is for $python, which is not here: build it on the system that has it." >&2; exit 1; }
mkdir -p "$wheels" "$work" dist

step() { # NAME FILES...: whether the step is wanted and was not done with these files, which `done_with_it` then notes
    mark=$work/$1.done
    [ "$only" = all ] || [ "$only" = "$1" ] || return 1
    shift
    inputs=$(cat "$lock" "$@" | sha256sum)
    [ "$inputs" != "$(cat "$mark" 2> /dev/null)" ] || return 1
    rm -f "$mark"
}

done_with_it() {
    echo "$inputs" > "$mark"
}

if step fetch; then
    "$python" -m venv "$work/fetcher"
    "$work/fetcher/bin/python" -m pip download --quiet --no-deps --require-hashes --only-binary :all: \
        -r "$lock" -d "$wheels" --find-links "$wheels"
    rm -rf "$work/fetcher"
    done_with_it
fi

if step install $here/build.sh; then
    rm -rf "$tree" "$work/compile.done" "$work/pack.done"
    "$python" -m venv "$tree/$home"
    PIP_CONFIG_FILE=/dev/null "$tree/$home/bin/python" -m pip --isolated install --quiet --no-deps --no-compile --no-index \
        --require-hashes --find-links "$wheels" -r "$lock"
    "$tree/$home/bin/python" -m pip uninstall --quiet --yes pip
    # Nothing of the place where it was built stays: scripts begin with its path, and sightd uses none.
    find "$tree/$home/bin" -mindepth 1 ! -name 'python*' -delete
    sed -i '/^command/d' "$tree/$home/pyvenv.cfg"
    rm -rf "$tree/$home/share" "$tree/$home/include"
    packages=$(echo "$tree/$home"/lib/python3.*/site-packages)
    # Headers, test suites and stubs are of no use to a service; torch does not start without torch_shm_manager.
    rm -rf "$packages/torch/include" "$packages/torch/test" "$packages/torch/share"
    find "$packages/torch/bin" -type f ! -name torch_shm_manager -delete
    find "$packages" -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +
    find "$packages" -name '*.pyi' -delete
    # What is run has a folder of its own in every wheel; elsewhere the mode is an accident.
    find "$packages" -type f -perm /111 ! -path '*/bin/*' -exec chmod a-x {} +
    # sightd's own code is in another package.
    echo /usr/lib/sightd > "$packages/sightd.pth"
    done_with_it
fi

if step compile $here/build.sh; then
    # By hash and unchecked: the files are never changed where they are installed, and their times mean nothing.
    "$tree/$home/bin/python" -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -s "$tree" -p / "$tree/$home/lib" || echo "Some files are for other versions of Python." >&2
    done_with_it
fi

if step pack $here/build.sh $here/control.sh $here/copyright $here/lintian-overrides $here/version; then
    rm -f "dist/sightd-runtime-${variant}_"*.deb
    $here/control.sh "$variant" "$version" "$tree"
    find "$tree" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zgzip -z1 --build "$tree" dist > /dev/null
    done_with_it
fi
