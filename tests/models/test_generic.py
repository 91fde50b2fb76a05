"""Generic checkpoints: which architectures are known, and what is refused at start."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from sightd.models.checkpoint import CheckpointError
from sightd.models.families import FAMILIES, family, prompt_builder
from sightd.models.generic.known import MODEL_TYPES
from sightd.models.generic.plan import GenericPrompts
from sightd.models.loading import check_fit, load_network
from sightd.models.template import ChatTemplate
from sightd.models.tokenizer import Tokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
from transformers.utils import is_torchvision_available

from ..minicpm import change_json

STRINGS = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"


def load(folder: Path) -> object:
    """Load a checkpoint on the CPU."""
    return load_network(folder, torch.device("cpu"), "auto", "eager")[1]


def start(folder: Path) -> None:
    """What the front and then an engine do."""
    prompt_builder(folder)
    load(folder)


@pytest.fixture
def copy(generic: dict[str, Path], tmp_path: Path) -> Path:
    """A checkpoint of the test's own."""
    return Path(shutil.copytree(generic["llava"], tmp_path / "llava"))


def test_every_architecture_of_transformers_is_known() -> None:
    """The list of architectures is that of the installed transformers, without those that have their own family."""
    own = {kind for kind, name in FAMILIES.items() if name != "generic"}
    assert set(MODEL_TYPES) == set(MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES) - own


def test_unknown_architecture(copy: Path) -> None:
    """An architecture that nobody knows is refused with the file and a list of what is known."""
    change_json(copy / "config.json", model_type="lava_lamp")
    with pytest.raises(
        CheckpointError, match=r"config\.json: model type 'lava_lamp' is not supported.*qwen3_vl, .*llava"
    ):
        family(copy)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chat_template.jinja", "has no chat template"),
        ("tokenizer.json", r"tokenizer\.json is missing"),
        ("model.safetensors", r"model\.safetensors is missing"),
        ("preprocessor_config.json", "cannot be loaded"),
    ],
)
def test_missing_files(copy: Path, name: str, words: str) -> None:
    """Without one of its files a checkpoint is refused."""
    (copy / name).unlink()
    with pytest.raises(CheckpointError, match=words):
        start(copy)


@pytest.mark.parametrize(
    ("kind", "token", "words"),
    [
        ("llava", "<image>", "lacks the tokens <image>, which tokenizer_config.json names"),
        ("minicpmv4_6", "<slice>", "lacks the tokens <slice>"),
        ("qwen3_5", "<|image_pad|>", "does not take a question about a picture: Mismatch in `image` token count"),
    ],
)
def test_a_tokenizer_without_a_vision_token(
    kind: str, token: str, words: str, generic: dict[str, Path], tmp_path: Path
) -> None:
    """A tokenizer that lacks a token of the processor's is refused, when an engine loads and when it is verified."""
    folder = Path(shutil.copytree(generic[kind], tmp_path / kind))
    text = (folder / "tokenizer.json").read_text("utf-8")
    (folder / "tokenizer.json").write_text(text.replace(token, "<|other|>"), "utf-8")
    for reader in (start, check_fit):
        with pytest.raises(CheckpointError, match=words):
            reader(folder)


def test_a_picture_s_token_is_the_network_s(copy: Path) -> None:
    """A tokenizer of another checkpoint, in which pictures have another number than config.json says, is refused."""
    change_json(copy / "config.json", image_token_index=3)
    for reader in (start, check_fit):
        with pytest.raises(CheckpointError, match="a picture does not become token 3, which config"):
            reader(copy)


@pytest.mark.skipif(is_torchvision_available(), reason="torchvision is there")
@pytest.mark.parametrize("only", ["the processor", "the part for pictures"])
def test_a_library_that_is_missing(only: str, copy: Path) -> None:
    """A processor that works with torchvision only is refused with the extra that brings it."""
    if only == "the processor":
        change_json(copy / "config.json", model_type="mistral3", vision_config={"model_type": "pixtral"})
    else:
        change_json(copy / "preprocessor_config.json", image_processor_type="Lfm2VlImageProcessor")
    with pytest.raises(CheckpointError, match=r"[Tt]orchvision.*pip install 'sightd\[generic\]'"):
        load(copy)


def test_no_code_of_a_checkpoint(copy: Path) -> None:
    """Python files in the folder are not imported, whatever auto_map says."""
    (copy / "evil.py").write_text(f"open({str(copy / 'ran')!r}, 'w')\nclass Evil: pass\n")
    names = ("AutoConfig", "AutoModelForImageTextToText", "AutoProcessor", "AutoImageProcessor", "AutoTokenizer")
    for file in ("config.json", "processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        change_json(copy / file, auto_map=dict.fromkeys(names, "evil.Evil"))
    load(copy)
    assert not (copy / "ran").exists()


def test_texts_in_the_template_s_form(generic: dict[str, Path]) -> None:
    """A template that wants strings gets strings, one that wants lists gets lists."""
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    ]
    strings = GenericPrompts(Tokenizer(generic["llava"]), ChatTemplate(STRINGS))
    lists = prompt_builder(generic["llava"])
    assert [m["content"] for m in json.loads(strings.build(messages).conversation)["messages"]] == ["Be kind.", "Hi"]
    parts = [m["content"] for m in json.loads(lists.build(messages).conversation)["messages"]]
    assert parts == [[{"type": "text", "text": "Be kind."}], [{"type": "text", "text": "Hi"}]]
