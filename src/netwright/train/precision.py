"""The type of number that hidden layers are trained in."""

from __future__ import annotations

import torch

from netwright.spec.blocks import InvertedResidual, Spatial
from netwright.spec.costs import block_costs
from netwright.spec.network import Network
from netwright.train.device import PROCESSOR

AMPERE = (8, 0)  # the first of NVIDIA's that do

WIDE = 128  # narrower layers lose more by changing types than their multiplications gain


def working_type(network: Network, device: torch.device = PROCESSOR) -> torch.dtype:
    """Return bfloat16 for wide networks where the device multiplies it natively, else float32.

    On a processor with AVX-512 BF16 a whole training step in bfloat16 took 0.85 of the time at width 128, 0.65 at 256
    and 0.47 at 512, but 1.03 at 64 and 1.17 at 32 (`benchmarks/training.py --what types`); losses stayed the same.
    Convolutions in bfloat16 took 0.65 to 0.75 of the time, those by channel of kernel 3 more than twice of it.
    Without such instructions PyTorch imitates them, slower than float32. The processor is asked, not timed: a busy
    moment must not change what a seed gives.
    """
    return torch.bfloat16 if multiplies_short(device) and _gains(network, device) else torch.float32


def multiplies_short(device: torch.device = PROCESSOR) -> bool:
    """Return whether a device multiplies bfloat16 natively; of others than processors and CUDA it is not known."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= AMPERE
    if device.type != "cpu":
        return False
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # since PyTorch 2.6
    known = (getattr(torch.cpu, name, None) for name in asked)
    return any(ask() for ask in known if ask is not None)


def _gains(network: Network, device: torch.device) -> bool:
    """Return whether the network is faster in the shorter type."""
    if any(isinstance(block, Spatial) for block in network.blocks):
        return device.type != "cpu" or not any(isinstance(block, InvertedResidual) for block in network.blocks)
    return max((cost.width for cost in block_costs(network)[1:-1]), default=0) >= WIDE
