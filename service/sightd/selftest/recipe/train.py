"""Trains the embedded model from nothing: `python -m sightd.selftest.recipe.train FOLDER` (make demo-model)."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save_file

from . import batches, checkpoint
from .network import Trainee

RATE = 1.5e-3
WARM_UP = 300
SAVE_EVERY = 500


def rate(step: int, steps: int) -> float:
    """The learning rate: linear warm-up, constant, then linear down to nothing over the last quarter."""
    left = (steps - step) / (0.25 * steps)
    return RATE * min(1.0, (step + 1) / WARM_UP, left)


class Optimiser:
    """Muon (https://kellerjordan.github.io/posts/muon) for the matrices inside the network, AdamW for embeddings, the
    patch projection and vectors."""

    def __init__(self, trainee: Trainee) -> None:
        named = list(trainee.named_parameters())
        inside = [p for n, p in named if p.ndim == 2 and "embed" not in n]
        rest = [p for n, p in named if p.ndim != 2 or "embed" in n]
        self.parts = [
            torch.optim.Muon(inside, lr=RATE, momentum=0.95, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(rest, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0),
        ]

    def step(self, rate: float) -> None:
        """Apply and clear the gradients."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate
            part.step()
            part.zero_grad(set_to_none=True)


def save_weights(trainee: Trainee, folder: Path) -> None:
    """model.safetensors in bfloat16, under the names that transformers expects; tied weights once."""
    weights = {
        name: tensor.detach().to(torch.bfloat16).contiguous()
        for name, tensor in trainee.model.state_dict().items()
        if name != "lm_head.weight"
    }
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)


def save_state(trainee: Trainee, optimiser: Optimiser, step: int, folder: Path) -> None:
    """Everything needed to go on after an interruption, beside the checkpoint."""
    partial = folder / "training.pt.part"
    torch.save(
        {
            "model": trainee.model.state_dict(),
            "optimiser": [part.state_dict() for part in optimiser.parts],
            "step": step,
        },
        partial,
    )
    partial.rename(folder / "training.pt")
    save_weights(trainee, folder)


def load_state(trainee: Trainee, optimiser: Optimiser, folder: Path) -> int:
    """The step to go on from: 0 when there is nothing to go on from."""
    path = folder / "training.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    trainee.model.load_state_dict(state["model"])
    for part, saved in zip(optimiser.parts, state["optimiser"], strict=True):
        part.load_state_dict(saved)
    return int(state["step"])


def train(folder: Path, seed: int, steps: int, rows: int, workers: int) -> None:
    """Train to `steps` batches; goes on where an interrupted run stopped."""
    if not (folder / "config.json").exists():
        checkpoint.write_files(folder, seed)
    torch.manual_seed(seed)
    trainee = Trainee(folder)
    optimiser = Optimiser(trainee)
    start = load_state(trainee, optimiser, folder)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress, (folder / "training.jsonl").open("a") as log:
        bar = progress.add_task("training", total=steps, completed=start)
        seconds, losses, right, total = time.monotonic(), 0.0, 0, 0
        for step, batch in enumerate(batches.stream(folder, seed, rows, start, steps, workers), start):
            loss, good, count = advance(trainee, optimiser, batch, rate(step, steps))
            losses, right, total = losses + loss, right + good, total + count
            progress.update(bar, advance=1, description=f"loss {loss:.3f}")
            if (step + 1) % 50 == 0:
                line = {
                    "step": step + 1,
                    "loss": round(losses / 50, 4),
                    "tokens_right": round(right / total, 4),
                    "rate": round(rate(step, steps), 6),
                    "seconds": round(time.monotonic() - seconds, 1),
                }
                log.write(json.dumps(line) + "\n")
                log.flush()
                seconds, losses, right, total = time.monotonic(), 0.0, 0, 0
            if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
                save_state(trainee, optimiser, step + 1, folder)


def advance(trainee: Trainee, optimiser: Optimiser, batch: dict[str, object], speed: float) -> tuple[float, int, int]:
    """One optimiser step: loss, right tokens, trained tokens."""
    loss, right, total = trainee(batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trainee.parameters(), 1.0)
    optimiser.step(speed)
    return float(loss.detach()), int(right), int(total)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train sightd's embedded model.")
    parser.add_argument(
        "folder", type=Path, help="where the checkpoint is written; an interrupted run there is continued"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=60_000, help="batches to train on")
    parser.add_argument("--rows", type=int, default=32, help="samples in a batch")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--workers", type=int, default=1, help="processes that draw pictures")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(arguments.folder, arguments.seed, arguments.steps, arguments.rows, arguments.workers)


if __name__ == "__main__":
    main()
