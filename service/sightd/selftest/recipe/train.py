"""Trains the embedded model from nothing: `python -m sightd.selftest.recipe.train FOLDER` (make demo-model).

Each process draws its share of every batch, and gradients are averaged over all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as dist
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from ...processes.child import die_with_parent
from . import batches, checkpoint
from .cells import Labels
from .encoding import Picture
from .network import Trainee
from .optimiser import Optimiser
from .packing import Batch

RATE = 2.5e-3
WARM_UP = 150
DECAY_FROM = 0.55
"""The share of the steps after which the learning rate falls, linearly, to nothing."""
LESSONS = 0.5
"""The weight of the cells' lessons beside the answers."""
SAVE_EVERY = 250
REPORT_EVERY = 50


def rate(step: int, steps: int) -> float:
    """The learning rate of a step."""
    return RATE * min(1.0, (step + 1) / WARM_UP, (steps - step) / ((1 - DECAY_FROM) * steps))


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
    torch.save({"trainee": trainee.state_dict(), "optimiser": optimiser.state(), "step": step}, partial)
    partial.rename(folder / "training.pt")
    save_weights(trainee, folder)


def load_state(trainee: Trainee, optimiser: Optimiser, folder: Path) -> int:
    """The step to go on from: 0 when there is nothing to go on from. A finished checkpoint with its log, but without
    the training's own state, is gone on from too, with fresh momentum."""
    path = folder / "training.pt"
    if path.exists():
        state = torch.load(path, weights_only=True)
        trainee.load_state_dict(state["trainee"])
        optimiser.restore(state["optimiser"])
        return int(state["step"])
    weights, log = folder / "model.safetensors", folder / "training.jsonl"
    if not (weights.exists() and log.exists()):
        return 0
    trainee.model.load_state_dict({k: v.float() for k, v in load_file(weights).items()}, strict=False)
    return int(json.loads(log.read_text().splitlines()[-1])["step"])


class Report:
    """The progress bar and the log; only the first process shows and writes them."""

    def __init__(self, folder: Path, start: int, steps: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        self._progress = Progress(*columns, TimeRemainingColumn(), disable=dist.get_rank() > 0)
        self._bar = self._progress.add_task("training", total=steps, completed=start)
        self._log = folder / "training.jsonl"
        if not dist.get_rank() and self._log.exists():
            known = [line for line in self._log.read_text().splitlines() if json.loads(line)["step"] <= start]
            self._log.write_text("".join(f"{line}\n" for line in known))
        self._sums = torch.zeros(4)
        self._began = time.monotonic()

    def __enter__(self) -> Report:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def note(self, step: int, steps: int, sums: Tensor) -> None:
        """Step `step` is done; `sums` are what `answer` gives, of all processes."""
        self._sums += sums
        self._progress.update(self._bar, advance=1, description=f"loss {sums[0] / sums[2]:.3f} {sums[3] / sums[2]:.3f}")
        due = (step + 1) % REPORT_EVERY == 0 or step + 1 == steps
        if not due or dist.get_rank():
            return
        loss, right, tokens, lessons = self._sums.tolist()
        line = {
            "step": step + 1,
            "loss": round(loss / tokens, 4),
            "lessons": round(lessons / tokens, 4),
            "tokens_right": round(right / tokens, 4),
            "rate": round(rate(step, steps), 6),
            "seconds": round(time.monotonic() - self._began, 1),
        }
        with self._log.open("a") as log:
            log.write(json.dumps(line) + "\n")
        self._sums.zero_()
        self._began = time.monotonic()


def look(trainee: Trainee, pictures: list[Picture], cells: list[Labels]) -> Tensor:
    """Gradients of the cells' lessons alone: the loss, float32 [4] as `answer` gives it."""
    loss = trainee.look(pictures, cells)
    loss.backward()
    return torch.tensor([0.0, 0.0, 1.0, float(loss.detach())])


def answer(trainee: Trainee, batch: Batch) -> Tensor:
    """Gradients of a batch: summed loss, right tokens, trained tokens, and the lessons' loss times tokens, float32 [4]."""
    loss, lessons, right, tokens = trainee(batch)
    (loss + LESSONS * lessons * tokens).backward()
    return torch.stack([loss.detach(), right, tokens, lessons.detach() * tokens]).float()


def advance(trainee: Trainee, optimiser: Optimiser, sums: Tensor, speed: float) -> Tensor:
    """One optimiser step with the gradients there are, averaged over all processes; the sums of all processes."""
    parameters = [p for p in trainee.parameters() if p.grad is not None]
    line = torch.cat([sums, *(p.grad.view(-1) for p in parameters if p.grad is not None)])
    dist.all_reduce(line)
    sums, gradient = line[:4], line[4:] / line[2]
    gradient *= min(1.0, 1.0 / (float(gradient.norm()) + 1e-6))
    at = 0
    for parameter in parameters:
        parameter.grad = gradient[at : at + parameter.numel()].view_as(parameter)
        at += parameter.numel()
    optimiser.step(speed)
    return sums


def train(rank: int, options: argparse.Namespace, meeting: str) -> None:
    """One process's part: train to `options.steps` batches, going on where an interrupted run stopped."""
    die_with_parent(os.getppid(), signal.SIGKILL)
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    # All processes are here; by itself gloo takes the address that the host's name has, if any.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=options.processes)
    folder, steps = options.folder, options.steps
    trainee = Trainee(folder)
    optimiser = Optimiser(trainee)
    start = load_state(trainee, optimiser, folder)
    with Report(folder, start, steps) as report:
        for step in range(start, steps):
            if step in (start, batches.ENLARGED_FROM):
                code = batches.encoder(folder, step)
            rows = options.rows // options.processes
            if step < options.looking:
                sums = look(trainee, *batches.sights(code, options.seed, step, rows, rank))
            else:
                sums = answer(trainee, batches.batch(code, options.seed, step, rows, rank))
            report.note(step, steps, advance(trainee, optimiser, sums, rate(step, steps)))
            if rank == 0 and ((step + 1) % SAVE_EVERY == 0 or step + 1 == steps):
                save_state(trainee, optimiser, step + 1, folder)
    dist.destroy_process_group()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train sightd's embedded model.")
    parser.add_argument(
        "folder", type=Path, help="where the checkpoint is written; an interrupted run there is continued"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=9000, help="batches to train on")
    parser.add_argument("--looking", type=int, default=2500, help="first batches, for the vision encoder alone")
    parser.add_argument("--rows", type=int, default=32, help="samples in a batch")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="part of what a seed names")
    options = parser.parse_args()
    if not (options.folder / "config.json").exists():
        checkpoint.write_files(options.folder, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        spawn(train, (options, str(Path(folder) / "meeting")), options.processes)


if __name__ == "__main__":
    main()
