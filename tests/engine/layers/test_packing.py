"""Layers in the forms in which a device computes them fast."""

from __future__ import annotations

import pytest
import torch
from sightd.engine.layers.norms import fuse_norms
from sightd.engine.layers.packing import PackedLinear, TwofoldLinear, can_pack, pack_linears, padded
from sightd.models.qwen_vl.network import patches_by_product
from torch import nn
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextRMSNorm

NEAR = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
"""Largest difference, of numbers about one, that the format allows."""


def layers(dtype: torch.dtype, bias: bool) -> nn.Sequential:
    """A network with one linear layer."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(96, 160, bias=bias), nn.Tanh()).to(dtype).requires_grad_(False)


@pytest.mark.parametrize("rows", [1, 5, 21, 64, 77])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("dtype", "several", "form"),
    [
        (torch.float32, None, PackedLinear),
        (torch.float32, torch.float32, PackedLinear),
        (torch.bfloat16, None, PackedLinear),
        (torch.bfloat16, torch.bfloat16, TwofoldLinear),
        (torch.bfloat16, torch.float32, TwofoldLinear),
    ],
)
def test_the_product_is_the_same(
    dtype: torch.dtype, several: torch.dtype | None, form: type, bias: bool, rows: int
) -> None:
    """A packed layer gives the plain layer's numbers, in its dtype, for one row and for many."""
    if not can_pack(dtype):
        pytest.skip(f"this processor packs nothing in {dtype}")
    network, x = layers(dtype, bias), torch.randn(1, rows, 96).to(dtype)
    with torch.inference_mode():
        expected = network(x)
        assert pack_linears(network, several) == 1
        assert type(network[0]) is form
        result = network(x)
    assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
    assert (result - expected).abs().max() <= NEAR[dtype]


def test_few_sizes_of_product_are_met() -> None:
    """However many rows come, products have few different numbers of them, none fewer and hardly more than came."""
    sizes = {rows: padded(rows) for rows in range(1, 2049)}
    assert len(set(sizes.values())) <= 160
    assert all(rows <= size < rows * 1.25 for rows, size in sizes.items() if rows != 2)


def test_a_patch_convolution_is_a_product() -> None:
    """The linear layer in place of the patch convolution gives the convolution's numbers."""
    torch.manual_seed(0)
    convolution = nn.Conv3d(3, 24, (2, 4, 4), (2, 4, 4)).requires_grad_(False)
    patches = torch.randn(7, 3, 2, 4, 4)
    result = patches_by_product(convolution)(patches.flatten(1))
    assert torch.allclose(result, convolution(patches).flatten(1), atol=1e-5)


@pytest.mark.parametrize("tokens", [1, 8, 200])
@pytest.mark.parametrize("shape", [(96,), (4, 64)], ids=["width", "heads"])
def test_norms_in_bfloat16(tokens: int, shape: tuple[int, ...]) -> None:
    """A norm in bfloat16 is as exact as transformers' own, for few tokens and for many."""
    torch.manual_seed(0)
    norm, x = Qwen3VLTextRMSNorm(shape[-1]), 3 * torch.randn(1, tokens, *shape).to(torch.bfloat16)
    nn.init.normal_(norm.weight)
    norm = norm.to(torch.bfloat16).requires_grad_(False)
    own, exact = norm(x), norm.float()(x.float())
    norm = norm.to(torch.bfloat16)
    assert fuse_norms(nn.ModuleList([norm])) == 1
    assert norm(x).dtype == torch.bfloat16
    assert norm(x).is_contiguous()
    assert (norm(x) - exact).abs().max() <= (own - exact).abs().max() + 1e-3


def test_norms_in_one_operation() -> None:
    """Transformers' norm computes the same in one operation; one that does more stays what it is."""

    class OtherRMSNorm(Qwen3VLTextRMSNorm):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) + x

    torch.manual_seed(0)
    network, x = nn.ModuleList([Qwen3VLTextRMSNorm(96), OtherRMSNorm(96)]), torch.randn(5, 96)
    nn.init.normal_(network[0].weight)
    expected = [norm(x) for norm in network]
    assert fuse_norms(network) == 1
    for norm, numbers in zip(network, expected, strict=True):
        assert torch.allclose(norm(x), numbers, atol=1e-6)
