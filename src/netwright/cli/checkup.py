"""What this machine has, what is missing, and how to get it. Nothing heavy is imported to find out."""

from __future__ import annotations

import platform
import shutil
import subprocess
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

import psutil

from netwright._version import __version__
from netwright.resources.containers import container_rooms
from netwright.resources.machine import usable_cores

TIMEOUT = 5.0  # seconds for a program that is asked about the machine
GIBIBYTE = 2**30
ENOUGH_MEMORY = 2.0  # GiB: a run takes up to 1.5, and other programs want some
ENOUGH_DISK = 0.2  # GiB: model, report and journal take up to a tenth of that, and the model is written twice

CORE = ("numpy", "pandas", "pydantic", "safetensors")
EXTRAS = {
    "train": (("torch", "jinja2", "optuna", "pyarrow"), "fit networks, predict with them, and write reports"),
}
OTHERS = {"tensorflow": ("tensorflow", "keras"), "jax": ("jax", "keras")}
"""What trains without PyTorch, by the extra that brings it: told where it is installed."""

FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8", "neon", "bf16")
"""Processor features that make networks faster, by the names that Linux gives them."""


@dataclass(frozen=True)
class Fact:
    """One thing looked at.

    Attributes:
        name: what; value: what was found.
        good: whether nothing need be done.
        remedy: what to do otherwise, and what it gives; empty if nothing.
    """

    name: str
    value: str
    good: bool = True
    remedy: str = ""


def examine(folder: Path = Path()) -> tuple[Fact, ...]:
    """Return what there is to know of the machine for someone who wants to fit networks on it.

    Args:
        folder: where results would be written.
    """
    return (
        Fact("netwright", f"{__version__} with {_versions(CORE)}"),
        Fact("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        _processor(),
        _gpu(),
        *(_extra(name, modules, purpose) for name, (modules, purpose) in EXTRAS.items()),
        *(Fact(f"extra {name}", _versions(modules)) for name, modules in OTHERS.items() if not _lacking(modules)),
        _memory(),
        _disk(folder),
    )


def as_text(facts: Sequence[Fact], width: int = 80) -> str:
    """Return the facts as lines for a terminal, remedies indented under what they mend."""
    name = max(len(fact.name) for fact in facts)
    lines = []
    for fact in facts:
        first = f"{'ok' if fact.good else 'mend':<4}  {fact.name:<{name}}  "
        indent = " " * len(first)
        lines += textwrap.wrap(fact.value, width, initial_indent=first, subsequent_indent=indent)
        if fact.remedy:
            lines += textwrap.wrap(fact.remedy, width, initial_indent=indent, subsequent_indent=indent)
    return "\n".join(lines)


def _processor() -> Fact:
    cores = usable_cores()
    flags = _processor_flags()
    found = [feature for feature in FEATURES if feature in flags]
    words = f"{cores} usable core{'' if cores == 1 else 's'}"
    return Fact("processor", "; ".join([words, ", ".join(found)]) if found else words)


def _processor_flags(information: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Return what the processor says it can, empty where there is no telling."""
    try:
        lines = information.read_text(errors="replace").splitlines()
    except OSError:
        return {"neon"} if platform.machine() in ("arm64", "aarch64") else set()  # every 64-bit ARM has it
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return set(flags.partition(":")[2].replace("asimd", "neon").split())


def _gpu() -> Fact:
    program = shutil.which("nvidia-smi")
    if program is None:
        return Fact("gpu", "none found; networks for tables train well without one")
    try:
        asked = subprocess.run(  # noqa: S603 - a fixed program with fixed arguments
            [program, "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return Fact("gpu", "nvidia-smi does not answer", False, "Mend the driver: nvidia-smi has to list the GPU.")
    found = "; ".join(line.strip() for line in asked.stdout.splitlines() if line.strip())
    if not found:
        return Fact("gpu", "none listed by nvidia-smi")
    return Fact("gpu", f"{found}; networks are trained on it where PyTorch can use it")


def _extra(name: str, modules: tuple[str, ...], purpose: str) -> Fact:
    missing = _lacking(modules)
    if missing:
        remedy = f"To {purpose}: pip install 'netwright[{name}]'"
        return Fact(f"extra {name}", f"lacks {', '.join(missing)}", False, remedy)
    return Fact(f"extra {name}", _versions(modules))


def _lacking(modules: tuple[str, ...]) -> list[str]:
    return [module for module in modules if util.find_spec(module) is None]


def _versions(modules: tuple[str, ...]) -> str:
    return ", ".join(f"{module} {_version(module)}" for module in modules)


def _version(module: str) -> str:
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        return "of unknown version"  # built in place, without a record of its installation


def _memory() -> Fact:
    free = psutil.virtual_memory().available
    left = [free, *container_rooms()]
    what = "free" if min(left) == free else "free in this container"
    good = min(left) >= ENOUGH_MEMORY * GIBIBYTE
    remedy = "" if good else "Close other programs or allow more: a run takes up to 1.5 GiB."
    return Fact("memory", f"{min(left) / GIBIBYTE:.1f} GiB {what}", good, remedy)


def _disk(folder: Path) -> Fact:
    free = shutil.disk_usage(folder).free / GIBIBYTE
    good = free >= ENOUGH_DISK
    remedy = "" if good else "Free some space: a run writes up to 100 MB."
    return Fact("disk", f"{free:.1f} GiB free here", good, remedy)
