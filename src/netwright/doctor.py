"""What this machine has, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

import psutil

from netwright._version import __version__

TIMEOUT = 5.0  # seconds for a program that is asked about the machine

EXTRAS = {
    "train": (("torch", "jinja2"), "fit networks and write reports"),
}
FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "neon")


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
    """Return what there is to know of the machine for someone who wants to fit networks on it."""
    return (
        Fact("netwright", __version__),
        Fact("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        _processor(),
        _gpu(),
        *(_extra(name, modules, purpose) for name, (modules, purpose) in EXTRAS.items()),
        _memory(),
        _disk(folder),
    )


def _processor() -> Fact:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    flags = _processor_flags()
    found = [feature for feature in FEATURES if feature in flags]
    return Fact("processor", f"{cores} usable cores" + (f"; {', '.join(found)}" if found else ""))


def _processor_flags() -> set[str]:
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return {"neon"} if platform.machine() in ("arm64", "aarch64") else set()
    lines = [line for line in information.read_text(errors="replace").splitlines() if line.startswith(("flags", "Features"))]
    return set(lines[0].partition(":")[2].replace("asimd", "neon").split()) if lines else set()


def _gpu() -> Fact:
    program = shutil.which("nvidia-smi")
    if program is None:
        return Fact("gpu", "none found; networks for tables train well without one")
    try:
        asked = subprocess.run(  # noqa: S603 - a fixed program with fixed arguments
            [program, "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return Fact("gpu", "nvidia-smi does not answer", False, "Mend the driver: nvidia-smi has to list the GPU.")
    return Fact("gpu", "; ".join(asked.stdout.split("\n")).strip("; ") + "; tables are trained on the processor for now")


def _extra(name: str, modules: tuple[str, ...], purpose: str) -> Fact:
    missing = [module for module in modules if util.find_spec(module) is None]
    if missing:
        remedy = f"pip install 'netwright[{name}]' to {purpose}"
        return Fact(f"extra {name}", f"missing: {', '.join(missing)}", False, remedy)
    return Fact(f"extra {name}", ", ".join(f"{module} {metadata.version(module)}" for module in modules))


def _memory() -> Fact:
    free = psutil.virtual_memory().available / 2**30
    good = free >= 2
    return Fact("memory", f"{free:.1f} GiB free", good, "" if good else "Close other programs: a run takes up to 1.5 GiB.")


def _disk(folder: Path) -> Fact:
    free = shutil.disk_usage(folder).free / 2**30
    good = free >= 0.2
    return Fact("disk", f"{free:.1f} GiB free here", good, "" if good else "Free some space: a run writes up to 100 MB.")
