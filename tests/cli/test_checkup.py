"""What the doctor finds, on this machine and on others that it is told of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from netwright.cli import checkup
from netwright.cli.checkup import Fact, as_text, examine


def fact(name: str) -> Fact:
    """Return what the doctor says of one thing."""
    return next(fact for fact in examine() if fact.name == name)


def test_every_fact_has_a_value_and_every_fault_a_remedy() -> None:
    """Whatever this machine is."""
    for found in examine():
        assert found.name and found.value
        assert bool(found.remedy) == (not found.good)


def test_versions_are_told_without_importing_what_they_are_of() -> None:
    """The doctor answers at once."""
    assert "torch 2." in fact("extra train").value and "numpy 2." in fact("netwright").value
    code = (
        "from netwright.cli.checkup import examine; examine(); import sys; print({'torch', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_missing_extra_comes_with_what_it_gives_and_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Torch is the one most often missing."""
    monkeypatch.setattr(checkup.util, "find_spec", lambda name: None if name == "torch" else object())
    found = fact("extra train")
    assert not found.good and found.value == "lacks torch"
    assert "fit networks" in found.remedy and "pip install 'netwright[train]'" in found.remedy


@pytest.mark.parametrize("lacking", ["tensorflow", "jax"])
def test_what_trains_without_pytorch_is_told_where_it_is_installed(
    lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no fault to do without."""
    monkeypatch.setattr(checkup.util, "find_spec", lambda name: None if name == lacking else object())
    names = {found.name for found in examine()}
    assert {"extra tensorflow", "extra jax"} - names == {f"extra {lacking}"}


def test_a_package_without_a_record_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was built in place."""

    def version(name: str) -> str:
        raise checkup.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(checkup.metadata, "version", version)
    assert fact("extra train").good and "torch of unknown version" in fact("extra train").value


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("processor: 0\nflags\t\t: fpu avx2 amx_bf16\n\nprocessor: 1\nflags: fpu\n", {"fpu", "avx2", "amx_bf16"}),
        ("Features\t: fp asimd bf16\n", {"fp", "neon", "bf16"}),
        ("nothing of the kind\n", set()),
    ],
)
def test_processor_features_are_read(text: str, flags: set[str], tmp_path: Path) -> None:
    """Of Intel's kind and of ARM's."""
    (tmp_path / "cpuinfo").write_text(text)
    assert checkup._processor_flags(tmp_path / "cpuinfo") == flags


def test_a_processor_that_says_nothing_is_no_fault(tmp_path: Path) -> None:
    """Other systems have no such file."""
    assert checkup._processor_flags(tmp_path / "none") <= {"neon"}


GPU = "import sys; print('A card, 8192 MiB'); print('B card, 8192 MiB')"


@pytest.mark.parametrize(
    ("program", "good", "words"),
    [
        (GPU, True, "A card, 8192 MiB; B card, 8192 MiB; networks are trained on it"),
        ("raise SystemExit(9)", False, "does not answer"),
        ("import time; time.sleep(30)", False, "does not answer"),
        ("pass", True, "none listed"),
    ],
    ids=["two", "broken", "hanging", "none"],
)
def test_a_gpu_is_asked_for_with_patience_that_ends(
    program: str, good: bool, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that is broken or hangs is said and holds nothing up."""
    script = tmp_path / "nvidia-smi"
    script.write_text(f"#!{sys.executable}\n{program}\n")
    script.chmod(0o755)
    monkeypatch.setattr(checkup.shutil, "which", lambda name: str(script))
    monkeypatch.setattr(checkup, "TIMEOUT", 0.7)
    found = fact("gpu")
    assert found.good == good and words in found.value
    assert good or "driver" in found.remedy


def test_no_gpu_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables do without."""
    monkeypatch.setattr(checkup.shutil, "which", lambda name: None)
    assert fact("gpu").good and fact("gpu").value.startswith("none found")


@pytest.mark.parametrize(
    ("rooms", "words", "good"),
    [((), "6.0 GiB free", True), ((2**33, 2**30), "1.0 GiB free in this container", False)],
)
def test_memory_is_what_the_container_leaves(
    rooms: tuple[int, ...], words: str, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine may have more than a container allows."""
    monkeypatch.setattr(checkup, "container_rooms", lambda: rooms)
    monkeypatch.setattr(checkup.psutil, "virtual_memory", lambda: SimpleNamespace(available=6 * 2**30))
    found = fact("memory")
    assert (found.value, found.good) == (words, good)


def test_a_disk_that_is_nearly_full_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a run has to say it."""
    usage: Any = SimpleNamespace(free=10 * 2**20)
    monkeypatch.setattr(checkup.shutil, "disk_usage", lambda folder: usage)
    assert not fact("disk").good and "Free some space" in fact("disk").remedy


def test_the_lines_fit_the_terminal_and_remedies_stand_below() -> None:
    """Values are indented where they wrap."""
    facts = (Fact("python", "3.11 " * 30), Fact("extra train", "lacks torch", False, "Install it. " * 10))
    text = as_text(facts, width=60)
    assert max(map(len, text.splitlines())) <= 60
    first, *rest = text.splitlines()
    assert first.startswith("ok    python       3.11 3.11")
    column = first.index("3.11")
    assert all(line[:column].strip() in ("", "mend  extra train") for line in rest)
    assert any(line[column:].startswith("Install it.") for line in rest)
