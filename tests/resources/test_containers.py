"""What control groups allow, of version 1 and 2, one inside the other: memory, and cores."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from netwright.resources.containers import container_cores, container_rooms


def write(folder: Path, **files: str) -> None:
    """Write the files of a control group, a point in a name written as two lines below."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")


def test_groups_of_version_2_limit_each_other(tmp_path: Path) -> None:
    """That of the process, and all around it; what the system can take back is no use, and `high` is a limit too."""
    mounted, groups = tmp_path / "mounted", tmp_path / "groups"
    groups.write_text("0::/pod/one\n")
    write(mounted / "pod/one", memory__max="max", memory__current="700", memory__high="900")
    (mounted / "pod/one/memory.stat").write_text("anon 300\ninactive_file 400\nactive_file 10\n")
    write(mounted / "pod", memory__max="1000", memory__current="800")
    write(mounted, memory__stat="anon 1")  # the outermost has no limit
    assert sorted(container_rooms(groups, mounted)) == [200, 600]


def test_groups_of_version_1_are_read_where_they_are_mounted(tmp_path: Path) -> None:
    """Inside a container its own group stands as the outermost; a limit beyond any memory is none."""
    mounted, groups = tmp_path / "mounted", tmp_path / "groups"
    groups.write_text("9:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n1:name=systemd:/\n")
    write(
        mounted / "memory",
        memory__limit_in_bytes="5000",
        memory__usage_in_bytes="4500",
        memory__stat="total_inactive_file 1500\ninactive_file 1",
    )
    assert container_rooms(groups, mounted) == (2000,)
    write(mounted / "memory/docker/a", memory__limit_in_bytes=str(2**63 - 4096), memory__usage_in_bytes="1")
    assert min(container_rooms(groups, mounted)) == 2000


@pytest.mark.parametrize("limit", ["max", "", "a lot"])
def test_a_group_without_a_limit_limits_nothing(limit: str, tmp_path: Path) -> None:
    """Nor does one whose files cannot be understood; no path leads out of the folder."""
    (tmp_path / "groups").write_text("0::/../../etc\n")
    write(tmp_path / "mounted/etc", memory__max=limit, memory__current="5")
    assert container_rooms(tmp_path / "groups", tmp_path / "mounted") == ()
    assert container_rooms(tmp_path / "none", tmp_path / "mounted") == ()


@pytest.mark.parametrize(
    ("outer", "inner", "cores"),
    [("400000 100000", "150000 100000", 1.5), ("50000 100000", "max 100000", 0.5), ("max 100000", "", math.inf)],
)
def test_cores_are_those_of_the_narrowest_group(outer: str, inner: str, cores: float, tmp_path: Path) -> None:
    """Of version 2: microseconds of a processor in each period."""
    (tmp_path / "groups").write_text("0::/pod/one\n")
    write(tmp_path / "mounted/pod", cpu__max=outer)
    write(tmp_path / "mounted/pod/one", cpu__max=inner)
    assert container_cores(tmp_path / "groups", tmp_path / "mounted") == cores
    assert container_cores(tmp_path / "none", tmp_path / "mounted") == math.inf


@pytest.mark.parametrize(("quota", "cores"), [("250000", 2.5), ("-1", math.inf), ("0", math.inf), ("much", math.inf)])
def test_cores_of_version_1_are_read_too(quota: str, cores: float, tmp_path: Path) -> None:
    """Whatever else its controller is mounted with; memory is another."""
    (tmp_path / "groups").write_text("9:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n")
    write(tmp_path / "mounted/cpu/docker/a", cpu__cfs_quota_us=quota, cpu__cfs_period_us="100000")
    assert container_cores(tmp_path / "groups", tmp_path / "mounted") == cores
