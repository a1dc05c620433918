"""Where networks are trained: on a graphics card where there is one, else on the processor."""

from __future__ import annotations

import torch

from netwright.errors import NoDevice

Device = torch.device
PROCESSOR = Device("cpu")


def find_device(name: str) -> Device:
    """Return the device of a name such as `cpu`, `cuda` or `cuda:1`; `auto` is CUDA where there is a card.

    Raises:
        NoDevice: if there is none of that name, or it does not compute.
    """
    if name == "auto":
        # One that is there and does not compute, as where another program has it alone, is none.
        return Device("cuda") if torch.cuda.is_available() and computes(Device("cuda")) else PROCESSOR
    try:
        device = Device(name)
        _compute(device)
    except (RuntimeError, AssertionError) as error:  # the latter where PyTorch was built without CUDA
        raise NoDevice(name, tuple(map(str, _devices()))) from error
    return device


def computes(device: Device) -> bool:
    """Return whether a device computes now; a graphics card that had a fault does not for the rest of the process."""
    try:
        _compute(device)
    except (RuntimeError, AssertionError):
        return False
    return True


def _compute(device: Device) -> None:
    torch.ones(1, device=device).add(1).cpu()


def device_of_seat(name: str, seat: int) -> str:
    """Return the device of one of several workers: where any CUDA card is meant, they take the cards in turn.

    >>> device_of_seat("cpu", 3)
    'cpu'
    """
    return f"{name}:{seat % max(1, torch.cuda.device_count())}" if name == "cuda" else name


def memory_of(device: Device) -> int | None:
    """Return the bytes of memory of a graphics card; None for the processor, whose memory rows lie in anyway."""
    return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else None


def generator_on(device: Device, seed: int) -> torch.Generator:
    """Return a source of random numbers: on a CUDA graphics card for what is computed there, else on the processor."""
    return torch.Generator(device if device.type == "cuda" else PROCESSOR).manual_seed(seed)


def _devices() -> tuple[Device, ...]:
    return (PROCESSOR, *(Device("cuda", place) for place in range(torch.cuda.device_count())))
