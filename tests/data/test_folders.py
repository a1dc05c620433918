"""Folders of images as tables."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from netwright.data.folders import CLASS, PART, parted, read_folder
from netwright.errors import EmptyFolder


def made(base: Path, *names: str) -> Path:
    """Return a folder with empty files of these names in it."""
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).touch()
    return base


def test_the_class_is_the_name_of_the_folder(tmp_path: Path) -> None:
    """Deeper folders belong to the class above them; hidden files and other files are left out."""
    base = made(tmp_path, "cat/1.jpg", "cat/deep/2.PNG", "dog/3.gif", "dog/notes.txt", "dog/.hidden.png", ".git/4.png")
    table = read_folder(base)
    assert list(table.columns) == ["image", CLASS]
    assert table[CLASS].tolist() == ["cat", "cat", "dog"]
    assert [Path(path).name for path in table["image"]] == ["1.jpg", "2.PNG", "3.gif"]


def test_names_need_not_be_unicode(tmp_path: Path) -> None:
    """As of files that were packed elsewhere: `café` in Latin-1."""
    name = os.fsdecode(b"caf\xe9")
    base = made(tmp_path, f"{name}/{name}.jpg", "a/1.jpg")
    table = read_folder(base)
    assert table[CLASS].tolist() == ["a", name] and Path(table["image"].iloc[1]).exists()


def test_parts_are_told_apart(tmp_path: Path) -> None:
    """Folds take the place of a validation part; the test part is kept apart."""
    base = made(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "test/b/4.jpg")
    table = read_folder(base)
    assert table[PART].tolist() == ["test", "train", "train", "train"]
    learnt, tested = parted(table)
    assert tested is not None
    assert (learnt[CLASS].tolist(), tested[CLASS].tolist()) == (["a", "b", "a"], ["b"])


def test_a_folder_around_everything_is_looked_through(tmp_path: Path) -> None:
    """As archives are packed."""
    base = made(tmp_path, "set/a/1.jpg", "set/b/2.jpg")
    assert read_folder(base)[CLASS].tolist() == ["a", "b"]


def test_images_to_be_predicted_have_no_class(tmp_path: Path) -> None:
    """A flat folder can be answered for."""
    table = read_folder(made(tmp_path, "1.jpg", "2.jpg"))
    assert table[CLASS].isna().all()
    assert parted(table)[1] is None


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    """A circle of links must not go on for ever."""
    base = made(tmp_path, "a/1.jpg", "b/2.jpg")
    (base / "a" / "back").symlink_to(base)
    assert len(read_folder(base)) == 2


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """The sentence says what is looked for."""
    with pytest.raises(EmptyFolder, match="one folder a class"):
        read_folder(made(tmp_path, "a/1.txt"))


def test_rows_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    """The order in which the disk gives files must not change what a seed gives."""
    names = [f"{kind}/{number:03}.png" for kind in "ab" for number in np.random.default_rng(0).permutation(20)]
    found = [Path(path).relative_to(tmp_path).as_posix() for path in read_folder(made(tmp_path, *names))["image"]]
    assert found == sorted(names)


def test_parts_are_known_beside_other_folders(tmp_path: Path) -> None:
    """What lies beside `train` and `test` is neither; `train` among other classes is a class."""
    base = made(tmp_path / "one", "train/a/1.jpg", "train/b/2.jpg", "test/a/3.jpg", "__MACOSX/x/4.jpg", "labels/5.txt")
    assert read_folder(base)[CLASS].tolist() == ["a", "a", "b"]
    vehicles = made(tmp_path / "two", "train/1.jpg", "car/2.jpg", "bus/3.jpg")
    assert sorted(read_folder(vehicles)[CLASS]) == ["bus", "car", "train"]


def test_a_test_part_without_classes_is_not_judged_on(tmp_path: Path) -> None:
    """It is there to be predicted."""
    learnt, tested = parted(read_folder(made(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "test/3.jpg", "test/4.jpg")))
    assert (len(learnt), tested) == (2, None)
