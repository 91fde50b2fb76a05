"""A checkpoint's own processor: conversations and pictures to what its network takes. Imports transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from PIL import Image
from torch import Tensor
from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer, BatchFeature, ProcessorMixin
from transformers.models.auto.feature_extraction_auto import AutoFeatureExtractor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.models.auto.video_processing_auto import AutoVideoProcessor
from transformers.utils.import_utils import is_torchvision_available

from ..checkpoint import CheckpointError, first_line
from ..tokenizer import Tokenizer

LOCAL = {"local_files_only": True, "trust_remote_code": False}
TRIED = (224, 224)
"""Height and width of a picture to try a processor with."""
REMEDY = "Install the optional extra: pip install 'sightd[generic]'."


class Unreadable(Exception):
    """The processor does not take a conversation; the message says why."""


class NoVideo:
    """Stands where a processor wants one for videos, all of which need torchvision. Of whatever the processor asks of
    it while it is made, it has nothing."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


class WithoutVideo:
    """What a processor inherits to be content with `NoVideo`."""

    def check_argument_for_proper_class(self, name: str, argument: Any) -> Any:
        """The argument's class. Raises TypeError for one that does not belong there."""
        if isinstance(argument, NoVideo):
            return NoVideo
        return super().check_argument_for_proper_class(name, argument)  # type: ignore[misc]

    def __repr__(self) -> str:
        """The name: the usual one writes every part as JSON."""
        return type(self).__name__


class Reader:
    """Reads conversations with a checkpoint's processor. Raises CheckpointError when it cannot be made."""

    def __init__(self, folder: Path) -> None:
        try:
            self._processor = load_processor(folder)
        except (ImportError, ValueError) as error:
            # transformers says ValueError, too, of what it could not import.
            if isinstance(error, ValueError) and "torchvision" not in str(error):
                raise
            raise CheckpointError(f"{folder}: its processor lacks a library: {first_line(error)}. {REMEDY}") from error
        self._tokenizer = Tokenizer(folder)

    def read(self, conversation: str, pictures: list[Tensor]) -> BatchFeature:
        """What the network takes: `input_ids` int64 [1, tokens] and whatever else the processor makes. `conversation`
        is as in `sightd.models.prompt.Prompt`, `pictures` are uint8 RGB [1, height, width, 3], in order of appearance.
        Control tokens that users spell out are encoded as text. Raises Unreadable."""
        content = json.loads(conversation)
        lists = [message["content"] for message in content["messages"] if isinstance(message["content"], list)]
        places = [part for parts in lists for part in parts if part["type"] == "image"]
        if len(places) != len(pictures):
            raise Unreadable(f"it has {len(places)} places for {len(pictures)} pictures")
        for part, frames in zip(places, pictures, strict=True):
            part["image"] = Image.fromarray(frames[0].numpy())
        options = content["variables"] | {
            "tools": content["tools"],
            "tokenize": True,
            "return_dict": True,
            "return_tensors": "pt",
        }
        if content["continued"]:
            options |= {"continue_final_message": True, "add_generation_prompt": False}
        try:
            return self._encoded(content["messages"], options)
        except (TemplateError, ValueError, TypeError, IndexError, KeyError, NotImplementedError) as error:
            raise Unreadable(f"{first_line(error)}.") from error

    def places_pictures_at(self, token: int) -> bool:
        """Whether a picture in a conversation brings this token. Raises Unreadable when the processor does not take a
        question about one."""
        content = [{"type": "image"}, {"type": "text", "text": "?"}]
        conversation = {
            "messages": [{"role": "user", "content": content}],
            "tools": None,
            "continued": False,
            "variables": {"add_generation_prompt": True},
        }
        read = self.read(json.dumps(conversation), [torch.zeros(1, *TRIED, 3, dtype=torch.uint8)])
        return token in read["input_ids"]

    def _encoded(self, messages: list[dict[str, Any]], options: dict[str, Any]) -> BatchFeature:
        try:
            return self._applied(messages, sanitize_control_tokens=True, **options)
        except NotImplementedError:
            # It cannot be done for tokenizers that add tokens of their own, and need not where no user spells any.
            if any(self._tokenizer.guard(m) != m for m in map(without_pictures, messages)):
                raise
            return self._applied(messages, **options)

    def _applied(self, messages: list[dict[str, Any]], **options: Any) -> BatchFeature:
        made: Any = self._processor.apply_chat_template(messages, **options)
        assert isinstance(made, BatchFeature)
        return made


def without_pictures(message: dict[str, Any]) -> dict[str, Any]:
    """The message with its texts only."""
    content = message["content"]
    return message | {"content": content if isinstance(content, str) else [p for p in content if p["type"] == "text"]}


def load_processor(folder: Path) -> ProcessorMixin:
    """The checkpoint's processor, without the part for videos where torchvision is missing. Raises ImportError for
    another library that is missing, CheckpointError when the architecture has no processor."""
    kind = type(AutoConfig.from_pretrained(folder, **LOCAL))
    if kind not in PROCESSOR_MAPPING:
        raise CheckpointError(f"{folder}: transformers has no processor for {kind.__name__}.")
    processor: Any = PROCESSOR_MAPPING[kind]
    if not is_torchvision_available():
        processor = type(processor.__name__, (WithoutVideo, processor), {})
    parts = {
        "image_processor": AutoImageProcessor,
        "feature_extractor": AutoFeatureExtractor,
        "audio_processor": AutoFeatureExtractor,
        "video_processor": AutoVideoProcessor if is_torchvision_available() else None,
    }
    arguments = []
    for name in processor.get_attributes():
        loader = parts.get(name, AutoTokenizer)
        arguments.append(loader.from_pretrained(folder, **LOCAL) if loader else NoVideo())
    settings, more = processor.get_processor_dict(folder, **LOCAL)
    made: ProcessorMixin = processor.from_args_and_dict(arguments, settings, **more)
    return made
