"""The store: what comes in from hubs, folders and archives, what is refused, and what is noticed afterwards."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from sightd.config.model import Model
from sightd.models.checkpoint import EMBEDDED_FOLDER, CheckpointError
from sightd.models.names import ServedNames
from sightd.models.store import StoreError, hubs, importing, manifest
from sightd.models.store.huggingface import HuggingFace
from sightd.models.store.modelscope import ModelScope
from sightd.models.store.pulling import pull
from sightd.models.store.shelf import INCOMING, Store, bytes_in
from sightd.models.wholeness import check

from ...server import SIGHTCTL, SIGHTD, clean_environment, sightctl
from ...waiting import until
from .hubserver import REPOSITORY, REVISION, Hub

BALLAST = 30_000_000
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
CLIENTS = {"modelscope": ModelScope, "huggingface": HuggingFace}
UNWANTED = {"modeling_drawn.py": b"raise SystemExit", "pytorch_model.bin": b"\x80\x04.", "assets/a.wav": b"RIFF"}


def safetensors(name: str, size: int) -> bytes:
    """A safetensors file with one tensor of so many bytes."""
    header = json.dumps({name: {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


def offered() -> dict[str, bytes]:
    """The embedded model in two shards, with what hubs have beside checkpoints."""
    files = {path.name: path.read_bytes() for path in EMBEDDED_FOLDER.iterdir() if path.suffix in (".json", ".jinja")}
    files[FIRST] = (EMBEDDED_FOLDER / "model.safetensors").read_bytes()
    files[SECOND] = safetensors("ballast", BALLAST)
    index = {"metadata": {}, "weight_map": {"model.language_model.norm.weight": FIRST, "ballast": SECOND}}
    return {**files, "model.safetensors.index.json": json.dumps(index).encode(), **UNWANTED}


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub with one repository."""
    running = Hub(offered())
    yield running
    running.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "models")


def fetch(store: Store, hub: Hub, client: str, said: list[str] | None = None) -> Path:
    """Pull the repository in this process."""
    sink = said if said is not None else []
    return pull(store, CLIENTS[client](hub.url), REPOSITORY, REVISION, sink.append, lambda *_: nullcontext())


def take(store: Store, path: Path, name: str | None = None) -> Path:
    """Import in this process."""
    return importing.take(store, path, name, None, lambda _: None, lambda *_: nullcontext())


@pytest.fixture
def stored(store: Store) -> Path:
    """A stored copy of the embedded model."""
    return take(store, EMBEDDED_FOLDER, "OpenLab/Drawn-VL")


@pytest.mark.parametrize("client", CLIENTS)
def test_what_comes_and_what_does_not(store: Store, hub: Hub, client: str) -> None:
    """Weights and texts come with a manifest; code and pickles are named and never asked for; a second pull is refused."""
    said: list[str] = []
    folder = fetch(store, hub, client, said)
    assert folder == store.root / REPOSITORY / REVISION
    known = manifest.read(folder)
    assert known is not None
    assert (known.source, set(known.files)) == (client, set(hub.files) - set(UNWANTED))
    assert {path.name for path in folder.iterdir()} == {*known.files, manifest.MANIFEST}
    assert manifest.differences(folder, known) == []
    assert all(any(name in sentence for sentence in said) for name in UNWANTED)
    assert not {path for path, _ in hub.asked} & set(UNWANTED)
    with pytest.raises(StoreError, match="is there already"):
        fetch(store, hub, client)


@pytest.mark.parametrize("client", CLIENTS)
def test_an_interrupted_pull_goes_on(store: Store, hub: Hub, client: str, tmp_path: Path) -> None:
    """After a pull that was killed in the middle of a file, the next one asks for the rest of it only."""
    hub.stalls[SECOND] = 25_000_000
    command = [SIGHTCTL, "model", "pull", REPOSITORY, "--revision", REVISION, "--from", client, "--store"]
    places = {"HF_ENDPOINT": hub.url, "MODELSCOPE_ENDPOINT": hub.url, "HOME": str(tmp_path)}
    environment = clean_environment(places)
    first = subprocess.Popen([*command, str(store.root)], env=environment, stderr=subprocess.PIPE)
    arriving, enough = store.root / INCOMING / REPOSITORY / REVISION, len(hub.files[FIRST]) + 10_000_000
    until(lambda: (arriving / FIRST).exists() and bytes_in(arriving) > enough, 60, "one shard and half of the other")
    first.kill()
    first.communicate()
    assert store.entries() == []
    hub.asked.clear()
    second = subprocess.run([*command, str(store.root)], env=environment, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert second.stdout.strip() == str(store.root / REPOSITORY / REVISION)
    ranges = dict(hub.asked)
    assert FIRST not in ranges
    assert int(str(ranges[SECOND]).removeprefix("bytes=").partition("-")[0]) >= 10_000_000
    assert check(store.find(REPOSITORY).folder) == "qwen_vl"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_wrong_checksum(store: Store, hub: Hub, client: str) -> None:
    """A file that is not what the hub's list says is not kept; the next pull fetches it again."""
    hub.spoiled.add(FIRST)
    with pytest.raises(StoreError, match=FIRST):
        fetch(store, hub, client)
    assert store.entries() == []
    hub.spoiled.clear()
    assert check(fetch(store, hub, client)) == "qwen_vl"


@pytest.mark.parametrize("client", CLIENTS)
def test_no_room(store: Store, hub: Hub, client: str) -> None:
    """What the disk cannot hold is refused before anything is fetched."""
    hub.sizes[SECOND] = 10**15
    with pytest.raises(StoreError, match=r"1000000\.0 GB are to come"):
        fetch(store, hub, client)
    assert hub.asked == []


@pytest.mark.parametrize("client", CLIENTS)
def test_repositories_that_are_refused(store: Store, hub: Hub, client: str) -> None:
    """Pickled weights and a repository that is not there are refused before anything is fetched, an unknown
    architecture after its config.json."""
    config = hub.files["config.json"]
    hub.files["config.json"] = json.dumps({"model_type": "whisper"}).encode()
    with pytest.raises(CheckpointError, match="'whisper' is not supported"):
        fetch(store, hub, client)
    assert [path for path, _ in hub.asked] == ["config.json"]
    hub.files = {"config.json": config, "pytorch_model.bin": b"\x80\x04."}
    with pytest.raises(StoreError, match=r"no safetensors weights.*pytorch_model\.bin \(pickled"):
        fetch(store, hub, client)
    assert len(hub.asked) == 1
    with pytest.raises(StoreError, match="did not list Nobody/Nothing"):
        pull(store, CLIENTS[client](hub.url), "Nobody/Nothing", REVISION, print, lambda *_: nullcontext())


@pytest.mark.parametrize("name", ["../up", "/etc", "a/b/c", "", "a b", "..", "-x"])
def test_names_that_would_leave_the_store(store: Store, hub: Hub, name: str) -> None:
    """Names and revisions are plain."""
    with pytest.raises(StoreError, match="is no name"):
        pull(store, hubs.hub("modelscope"), name, REVISION, print, lambda *_: nullcontext())
    with pytest.raises(StoreError, match="is no revision"):
        pull(store, hubs.hub("modelscope"), REPOSITORY, name, print, lambda *_: nullcontext())


def test_a_folder_and_an_archive(store: Store, tmp_path: Path, stored: Path) -> None:
    """A stored checkpoint that went to another machine as an archive has its name, revision and checksums there; code
    beside it stays behind."""
    (stored / "modeling.py").write_text("raise SystemExit")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(stored, "some/where")
    other = Store(tmp_path / "other")
    folder = take(other, tmp_path / "model.tar.gz")
    assert folder == other.root / "OpenLab/Drawn-VL" / importing.DEFAULT_REVISION
    assert not (folder / "modeling.py").exists()
    (stored / "tokenizer.json").write_bytes((stored / "tokenizer.json").read_bytes()[:-1] + b" ")
    with pytest.raises(StoreError, match=r"tokenizer\.json came with another SHA-256"):
        take(Store(tmp_path / "third"), stored)


def members() -> dict[str, tarfile.TarInfo]:
    """What an archive must not have, by what it is called here."""
    kinds = {"link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "device": tarfile.CHRTYPE, "pipe": tarfile.FIFOTYPE}
    made = {kind: tarfile.TarInfo("model/weights.json") for kind in kinds}
    for kind, member in made.items():
        member.type, member.linkname = kinds[kind], "/etc/passwd"
    return made | {path: tarfile.TarInfo(path) for path in ("/etc/sightd.json", "model/../../up.json")}


@pytest.mark.parametrize("kind", members())
def test_hostile_archives(store: Store, tmp_path: Path, kind: str) -> None:
    """An archive with a member that is a link, a device, or leads out of it is refused as a whole."""
    with tarfile.open(tmp_path / "model.tar", "w") as archive:
        archive.add(EMBEDDED_FOLDER / "config.json", "model/config.json")
        archive.addfile(members()[kind], io.BytesIO())
    with pytest.raises(StoreError, match="Nothing was taken"):
        take(store, tmp_path / "model.tar")
    assert not store.root.exists()


@pytest.mark.parametrize("content", [b"", b"text", b"\x1f\x8b\x08\x00broken"])
def test_what_is_no_archive(store: Store, tmp_path: Path, content: bytes) -> None:
    """A file that is not an archive is refused with its name."""
    (tmp_path / "model.tar").write_bytes(content)
    with pytest.raises(StoreError, match=r"model\.tar|config\.json"):
        take(store, tmp_path / "model.tar")


def test_links_out_of_the_folder(store: Store, tmp_path: Path) -> None:
    """A symbolic link that leaves the folder is refused, at import and by whatever loads a checkpoint; one inside is
    not."""
    folder = Path(shutil.copytree(EMBEDDED_FOLDER, tmp_path / "copy"))
    (folder / "inside.json").symlink_to("config.json")
    assert check(folder) == "qwen_vl"
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(EMBEDDED_FOLDER / "model.safetensors")
    for reader in (check, lambda path: take(store, path)):
        with pytest.raises(CheckpointError, match=r"model\.safetensors is a symbolic link out of its folder"):
            reader(folder)


def cut(folder: Path) -> None:
    """Truncate the weights."""
    os.truncate(folder / "model.safetensors", 1_000_000)


def spoil(folder: Path) -> None:
    """Change a byte of the weights."""
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, io.SEEK_END)
        file.write(b"\xff")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (cut, r"model\.safetensors has 1000000 bytes instead of"),
        (spoil, r"model\.safetensors has other contents"),
        (lambda folder: (folder / "tokenizer.json").unlink(), r"tokenizer\.json is missing"),
        (lambda folder: (folder / "run.py").write_text(""), r"run\.py was not there"),
    ],
)
def test_what_verify_notices(stored: Path, change: object, words: str) -> None:
    """Files that changed, went or came since are named."""
    assert callable(change)
    change(stored)
    known = manifest.read(stored)
    assert known is not None
    (found,) = manifest.differences(stored, known)
    assert re.search(words, found)


def index(folder: Path, places: object) -> None:
    """Give a checkpoint an index."""
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))


def pickle_instead(folder: Path) -> None:
    """Leave only pickled weights."""
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (cut, r"model\.safetensors is cut off or damaged"),
        (pickle_instead, r"model\.safetensors is missing.*pickled \(pytorch_model\.bin\)"),
        (lambda folder: index(folder, {"a": SECOND}), f"{SECOND} is missing"),
        (lambda folder: index(folder, {"a": "model.safetensors"}), "lacks 1 weights that the index puts there: a"),
        (lambda folder: index(folder, {"a": "../../model.safetensors"}), "no safetensors file beside it"),
        (lambda folder: index(folder, {"a": "pytorch_model.bin"}), "no safetensors file beside it"),
        (lambda folder: index(folder, []), "has no weight_map"),
        (lambda folder: (folder / "config.json").write_text("{}"), "model type None is not supported"),
        (lambda folder: (folder / "config.json").write_text("["), r"config\.json cannot be read"),
    ],
)
def test_folders_that_are_not_whole(tmp_path: Path, change: object, words: str) -> None:
    """A folder that lacks something is refused with the file and the reason."""
    folder = Path(shutil.copytree(EMBEDDED_FOLDER, tmp_path / "copy"))
    assert callable(change)
    change(folder)
    with pytest.raises(CheckpointError, match=words):
        check(folder)


def test_the_daemon_says_the_same(tmp_path: Path) -> None:
    """Sightd with a truncated checkpoint does not start, and says which file is why."""
    folder = Path(shutil.copytree(EMBEDDED_FOLDER, tmp_path / "copy"))
    cut(folder)
    command = [SIGHTD, "--model", str(folder), "--bind", "127.0.0.1:1"]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert f"{folder}/model.safetensors is cut off or damaged" in done.stderr


def test_list_switch_and_remove(store: Store, stored: Path, tmp_path: Path) -> None:
    """A stored checkpoint is listed, chosen by a file in the configuration folder, served under its own name, and
    removed when it is not the configured one."""
    config = tmp_path / "etc"
    config.mkdir()
    common = ("--store", str(store.root), "--config", str(config))
    switched = sightctl("model", "switch", "drawn-vl", *common)
    assert switched.returncode == 0, switched.stderr
    assert "systemctl restart sightd" in switched.stderr
    shown = sightctl("show-config", "--json", "--config", str(config))
    row = json.loads(shown.stdout)["model.path"]
    assert row == {"value": str(stored), "origin": str(config / "conf.d" / "50-model.toml")}
    names = ServedNames(Model(path=str(stored)))
    assert names.all == ["Drawn-VL"]
    assert all(map(names.accepts, ("drawn-vl", "OpenLab/Drawn-VL", str(stored), f"{stored}/")))
    listed = sightctl("model", "list", *common)
    assert "OpenLab/Drawn-VL" in listed.stdout
    assert "configured" in listed.stdout
    kept = sightctl("model", "remove", "Drawn-VL", *common)
    assert kept.returncode == 1
    assert "Switch to another first" in kept.stderr
    assert sightctl("model", "switch", "embedded", *common).returncode == 0
    assert sightctl("model", "verify", "Drawn-VL", *common).returncode == 0
    assert sightctl("model", "remove", "Drawn-VL", *common).returncode == 0
    assert [path.name for path in store.root.iterdir()] == [".incoming"]


def test_a_switch_that_another_source_overrides(store: Store, stored: Path, tmp_path: Path) -> None:
    """Switch says so when model.path is set where it wins over the file that was written."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "90-mine.toml").write_text('[model]\npath = "embedded"\n')
    switched = sightctl("model", "switch", "Drawn-VL", "--store", str(store.root), "--config", str(tmp_path))
    assert switched.returncode == 1
    assert "90-mine.toml sets model.path, and wins" in switched.stderr
