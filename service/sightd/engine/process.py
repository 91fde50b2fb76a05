"""The engine process: `python -m sightd.engine.process`, started by the HTTP front with one end of a channel."""

from __future__ import annotations

import mmap
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import logs
from ..config.logging import Logging
from ..models.checkpoint import CheckpointError
from ..models.generic.network import GenericNetwork
from ..models.loading import load_network
from ..models.network import Network
from ..models.quantising import stored_quantisation
from ..models.weightsizes import loaded_bytes
from ..processes.channel import ChannelClosed, Received, receive, send, waiting
from ..processes.child import attach
from .allocator import keep_freed_memory
from .attention import hook
from .attention.choice import choose
from .blocks import BlockPool
from .confinement import Confinement
from .core import Engine
from .encoder import Encoder
from .grammar import Grammars
from .graphs import record
from .kv_cache import KVCache
from .layers import cards, cpu
from .layers.merging import merge_linears
from .layers.norms import fuse_norms
from .loadingprogress import LoadingProgress
from .media import MediaStore
from .memory import (
    CPU_SEQUENCE_TOKENS,
    CachePlan,
    DoesNotFit,
    NoSuchDevice,
    check_device,
    check_weights,
    free_bytes,
    plan,
)
from .pace import Pace
from .protocol import EngineInfo, Frames, unpacked
from .runner import Runner
from .scheduler import Scheduler
from .turns import MOST_TOGETHER, TurnEngine

BLOCK_SIZE = 16
CPU_STEP_TOKENS, CUDA_STEP_TOKENS = 512, 8192
"""Most tokens of prompts in one step: what keeps the products busy without outgrowing the processor's caches."""
CPU_LEAST_TOKENS, CUDA_LEAST_TOKENS = 16, 256
"""Fewest tokens of a prompt that are worth a step of their own while others are answering."""
CPU_ENCODER_PIXELS, CUDA_ENCODER_PIXELS = 262_144, 4_000_000
"""Most pixels that go through the vision encoder together."""
SHARED_OUT_BYTES = 64 * 1024 * 1024
"""Least size of weights whose operations are shared out to several cores."""
BEAT_SECONDS = 1.0
"""How often an idle engine says that it is alive; a busy one does so with every step."""

log = logs.get(__name__)


def build(
    start: dict[str, Any], on_progress: Callable[[float], None] = lambda _: None
) -> tuple[Engine | TurnEngine, EngineInfo]:
    """Load the checkpoint and make the engine that `start` describes; `on_progress` is told the share that is loaded
    now and then. Raises CheckpointError, DoesNotFit or NoSuchDevice."""
    began = time.monotonic()
    device, folder = torch.device(start["device"]), Path(start["folder"])
    check_device(device)
    if device.type == "cuda" and device.index is not None:
        # Streams, recordings and Triton's launches are the current card's, whatever card their tensors are on.
        torch.cuda.set_device(device)
    hook.register()
    size = loaded_bytes(folder, start["dtype"], device.type == "cuda", start["quantization"])
    if device.type == "cpu":
        torch.set_num_threads(start["threads"] or threads(size))
    check_weights(size, device, start["memory_utilization"])
    with LoadingProgress(size, device, on_progress):
        family, network = load_network(folder, device, start["dtype"], hook.NAME, start["quantization"])
        if not isinstance(network, GenericNetwork):
            make_fast(network, start)
    if device.type == "cpu":
        keep_freed_memory()
    room = free_bytes(device, start["memory_utilization"])
    planned = plan(
        network.cache_shape,
        room,
        BLOCK_SIZE,
        start["cache_tokens"],
        start["max_model_len"],
        network.max_positions,
        min(start["max_sequences"], MOST_TOGETHER) if isinstance(network, GenericNetwork) else start["max_sequences"],
        CPU_SEQUENCE_TOKENS if device.type == "cpu" else network.max_positions,
    )
    attention, decoding, engine = assemble(start, network, planned, lambda: on_progress(1.0))
    info = EngineInfo(
        device=str(device),
        attention=attention,
        decoding=decoding,
        dtype=str(network.cache_shape.dtype).removeprefix("torch."),
        quantization=stored_quantisation(folder) or start["quantization"],
        family=family,
        max_model_len=planned.max_model_len,
        cache_tokens=planned.blocks * BLOCK_SIZE,
        parameters=network.parameters,
        load_seconds=round(time.monotonic() - began, 3),
        eos_token_ids=network.eos_token_ids,
    )
    return engine, info


def make_fast(network: Network, start: dict[str, Any]) -> None:
    """Bring its layers into the forms that the device computes fastest."""
    fuse_norms(network.module)
    merge_linears(network.module)
    if network.device.type == "cuda":
        cards.suit(network)
    else:
        cpu.suit(network, start)


def threads(size: int) -> int:
    """One for weights of so few bytes that sharing an operation out takes longer than doing it; else as many as torch
    would take by itself. Where a process may not bind its threads to cores, torch takes one; it works with as many as
    there are cores all the same."""
    if size < SHARED_OUT_BYTES:
        return 1
    chosen = torch.get_num_threads()
    return chosen if chosen > 1 else len(os.sched_getaffinity(0))


def assemble(
    start: dict[str, Any], network: Network | GenericNetwork, planned: CachePlan, on_progress: Callable[[], None]
) -> tuple[str, str, Engine | TurnEngine]:
    """The name of the attention's back end, how steps that only decode are run, and the engine for a loaded network."""
    on_cpu = network.device.type == "cpu"
    grammars = Grammars(Path(start["folder"]), network.vocabulary, network.eos_token_ids)
    if isinstance(network, GenericNetwork):
        turns = TurnEngine(network, grammars, planned.blocks * BLOCK_SIZE, start["max_sequences"])
        return "transformers", "eager", turns
    name, attention = choose(network.device, network.cache_shape, network.heads)
    cache = KVCache(network.cache_shape, planned.blocks, BLOCK_SIZE, network.device)
    steps, decoding = None, "eager"
    if not on_cpu and start["cuda_graphs"]:
        steps, decoding = record(network, cache, start["max_sequences"], planned.max_model_len, on_progress)
    most = start["max_batch_tokens"] or (CPU_STEP_TOKENS if on_cpu else CUDA_STEP_TOKENS)
    pace = Pace(most, min(most, CPU_LEAST_TOKENS if on_cpu else CUDA_LEAST_TOKENS))
    scheduler = Scheduler(BlockPool(planned.blocks, BLOCK_SIZE), start["max_sequences"], pace)
    encoder = Encoder(network, attention, CPU_ENCODER_PIXELS if on_cpu else CUDA_ENCODER_PIXELS)
    store = MediaStore(start["encoder_cache_bytes"], planned.blocks * BLOCK_SIZE)
    return name, decoding, Engine(scheduler, Runner(network, cache, attention, steps), encoder, store, grammars)


class Serving:
    """The loop between the channel and the engine."""

    def __init__(self, end: socket.socket, engine: Engine | TurnEngine) -> None:
        self._end = end
        self._engine = engine
        self._last_sent = self._last_counted = time.monotonic()
        engine.watch(self._report_pass)

    def run(self) -> None:
        """Serve until the front is gone."""
        while True:
            self._take(BEAT_SECONDS if self._engine.idle else 0)
            brought = [] if self._engine.idle else self._engine.step()
            if brought:
                self._send({"type": "tokens", "progress": [asdict(p) for p in brought]})
            elif time.monotonic() - self._last_sent >= BEAT_SECONDS:
                self._send({"type": "beat"})
            if time.monotonic() - self._last_counted >= BEAT_SECONDS:
                self._last_counted = time.monotonic()
                self._send({"type": "counts", "steps": self._engine.steps, "counts": asdict(self._engine.counts())})

    def _take(self, seconds: float) -> None:
        """Handle all messages that are there; wait up to `seconds` for the first."""
        while waiting(self._end, seconds):
            self._handle(receive(self._end))
            seconds = 0

    def _handle(self, received: Received) -> None:
        message = received.message
        if message["type"] == "submit":
            request = unpacked(message)
            frames = [mapped(d, f) for d, f in zip(received.descriptors, request.media, strict=True)]
            self._engine.submit(request, frames)
        elif message["type"] == "abort":
            self._engine.abort(message["id"])
        elif message["type"] == "log_level":
            logs.set_level(message["level"])

    def _report_pass(self, digests: list[bytes]) -> None:
        self._send({"type": "encoding", "digests": digests})

    def _send(self, message: dict[str, Any]) -> None:
        send(self._end, message)
        self._last_sent = time.monotonic()


def mapped(descriptor: int, frames: Frames) -> Tensor:
    """A memory file as uint8 [frames, height, width, 3], without a copy; closes the descriptor."""
    shape = (frames.frames, frames.height, frames.width, 3)
    view = mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
    os.close(descriptor)
    return torch.frombuffer(view, dtype=torch.uint8).view(shape)


def main() -> None:
    """Take the start message, load, and serve."""
    end = attach()
    start = receive(end).message
    logs.configure(Logging(**start["logging"]), f"engine {start['device']}")
    send(end, {"type": "loading", "share": 0.0})
    confinement = Confinement()
    if start["device"] == "cpu":
        confinement.begin(Path(start["folder"]))
    try:
        engine, info = build(start, lambda share: send(end, {"type": "loading", "share": share}))
    except (CheckpointError, DoesNotFit, NoSuchDevice) as error:
        log.error("engine cannot start", reason=str(error))
        send(end, {"type": "failed", "reason": str(error)})
        return
    if start["device"] == "cpu":
        confinement.complete()
        info = replace(info, sandbox=confinement.layers)
    log.info("model loaded", **{k: v for k, v in asdict(info).items() if k != "eos_token_ids"})
    send(end, {"type": "ready", "info": asdict(info)})
    try:
        Serving(end, engine).run()
    except ChannelClosed:
        log.info("the front is gone, engine ends")
    except Exception as error:
        # A device that raised once is not trusted again: a fresh process goes on with the requests.
        log.critical("engine failed in a step", exc_info=error)
        sys.exit(1)


if __name__ == "__main__":
    main()
