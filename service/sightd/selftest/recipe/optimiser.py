"""Muon for the matrices inside the network, AdamW for embeddings and vectors.

Muon (https://kellerjordan.github.io/posts/muon): momentum, whose matrix is then made nearly orthogonal by a
Newton-Schulz iteration. Matrices of one shape are iterated together, and each process takes a share of them.
"""

from __future__ import annotations

from collections import defaultdict

import torch
import torch.distributed as dist
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
MOMENTUM, DECAY = 0.95, 0.02
WIDEST = 512
"""Matrices with no side shorter than this go to AdamW: their iteration would cost more than the rest of the step."""


def orthogonal(stack: Tensor) -> Tensor:
    """Matrices [n, rows, columns] with singular values brought near 1, by Newton and Schulz's iteration."""
    a, b, c = COEFFICIENTS
    wide = stack if stack.shape[1] <= stack.shape[2] else stack.mT
    x: Tensor = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x if stack.shape[1] <= stack.shape[2] else x.mT


class Optimiser:
    """Takes gradients that are the same in every process."""

    def __init__(self, model: nn.Module) -> None:
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        shapes: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
        rest = []
        for name, parameter in named:
            if parameter.ndim == 2 and "embed" not in name and min(parameter.shape) < WIDEST:
                shapes[tuple(parameter.shape)].append(parameter)
            else:
                rest.append(parameter)
        self.stacks = [(members, torch.zeros(len(members), *shape)) for shape, members in shapes.items()]
        self.vectors = torch.optim.AdamW(rest, lr=0.0, betas=(0.9, 0.98), weight_decay=0.0)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Apply and clear the gradients."""
        rank, world = dist.get_rank(), dist.get_world_size()
        taught = [(members, momentum) for members, momentum in self.stacks if any(p.grad is not None for p in members)]
        updates = []
        for members, momentum in taught:
            gradient = torch.stack([p.grad if p.grad is not None else torch.zeros_like(p) for p in members])
            momentum.lerp_(gradient, 1 - MOMENTUM)
            mine = slice(rank, None, world)
            update = torch.zeros_like(momentum)
            if len(members) > rank:
                update[mine] = orthogonal(gradient[mine].lerp(momentum[mine], MOMENTUM))
            updates.append(update)
        line = torch.cat([update.view(-1) for update in updates])
        dist.all_reduce(line)
        at = 0
        for members, momentum in taught:
            scale = 0.2 * max(momentum.shape[1:]) ** 0.5
            for parameter in members:
                piece = line[at : at + parameter.numel()].view_as(parameter)
                parameter.mul_(1 - rate * DECAY).add_(piece, alpha=-rate * scale)
                at += parameter.numel()
                parameter.grad = None
        self.vectors.param_groups[0]["lr"] = rate
        self.vectors.step()
        self.vectors.zero_grad(set_to_none=True)

    def state(self) -> dict[str, object]:
        """What is needed to go on."""
        return {"momentum": [momentum for _, momentum in self.stacks], "vectors": self.vectors.state_dict()}

    def restore(self, state: dict[str, object]) -> None:
        """Go on from `state`."""
        saved = state["momentum"]
        assert isinstance(saved, list)
        for (_, momentum), value in zip(self.stacks, saved, strict=True):
            momentum.copy_(value)
        self.vectors.load_state_dict(state["vectors"])  # type: ignore[arg-type]
