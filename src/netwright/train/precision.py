"""The type of number that hidden layers are trained in."""

from __future__ import annotations

import torch

from netwright.spec.costs import block_costs
from netwright.spec.network import Network

WIDE = 128  # narrower layers lose more by changing types than their multiplications gain


def working_type(network: Network) -> torch.dtype:
    """Return bfloat16 for wide networks where the processor multiplies it natively, else float32.

    On a processor with AVX-512 BF16 a whole training step in bfloat16 took 0.85 of the time at width 128, 0.65 at 256
    and 0.47 at 512, but 1.03 at 64 and 1.17 at 32 (`benchmarks/training.py --what types`); losses stayed the same.
    Without such instructions PyTorch imitates them, slower than float32. The processor is asked, not timed: a busy
    moment must not change what a seed gives.
    """
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # since PyTorch 2.6
    known = (getattr(torch.cpu, name, None) for name in asked)
    native = any(ask() for ask in known if ask is not None)
    wide = max((cost.width for cost in block_costs(network)[1:-1]), default=0) >= WIDE
    return torch.bfloat16 if native and wide else torch.float32
