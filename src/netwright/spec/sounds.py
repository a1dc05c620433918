"""Networks for sounds: those for images, on spectrograms. The space that is searched, and the first points to try."""

from __future__ import annotations

from dataclasses import replace

from netwright.spec import images
from netwright.spec.blocks import ImageInput
from netwright.spec.spaces import Choice, Point, Space

# What images have and sounds do not: one that is turned round is another one, and its bands do not shrink.
OF_PHOTOGRAPHS = ("resolution", "distortion", "flips", "growth")
MANY_ROWS = 5_000  # above it a network sees enough in few passes


def space(rows: int, outcome: str) -> Space:
    """Return what is searched for sounds.

    Args:
        rows: to learn from.
        outcome: of the target; labels are smoothed where they are classes.
    """
    shared = images.space(rows, outcome)
    left_out = (*OF_PHOTOGRAPHS, "epochs")
    return {
        **{name: dimension for name, dimension in shared.items() if name not in left_out},
        "bands": Choice((32, 40, 64)),
        "frames": Choice((32, 64, 64, 128, 256)),
        "warp": Choice((0.0, 0.5, 1.0), stackable=True),
        "masking": Choice((0.0, 0.5, 1.0), stackable=True),
        "epochs": Choice((6, 12, 24, 48) if rows > MANY_ROWS else (16, 32, 64, 128)),
    }


def usual(rows: int) -> Point:
    """Return a point that is strong on most sets of sounds: what others are described by their differences from."""
    one = dict(images.usual(rows))
    for name in OF_PHOTOGRAPHS:
        del one[name]
    return {
        **one,
        "stem_stride": 2,
        "width": 16,
        "stages": 4,
        "pool": "both",
        "bands": 40,
        "frames": 64,
        "warp": 0.5,
        "masking": 0.0,
        "epochs": 24 if rows > MANY_ROWS else 64,
    }


def portfolio(rows: int) -> tuple[Point, ...]:
    """Return the first points to try for so many sounds, best first."""
    one = usual(rows)
    return (
        one,
        {**one, "stages": 3, "depth": 2, "masking": 0.5},
        {**one, "width": 32, "stages": 3, "warp": 1.0, "pool": "max"},
        {**one, "body": "plain", "width": 32, "stages": 3, "activation": "gelu"},
        {**one, "bands": 64, "frames": 128, "masking": 0.5},
        {**one, "width": 32, "depth": 2, "mixup": 0.2, "warp": 1.0},
        {**one, "body": "convnext", "width": 32, "activation": "gelu", "learning_rate": 3e-3},
        {**one, "body": "inverted", "width": 32, "activation": "silu", "frames": 128, "learning_rate": 3e-3},
    )


def first_glance(rows: int) -> Point:
    """Return a point that learns something in a second: two convolutions on small maps, few passes."""
    return {
        **usual(rows),
        "body": "plain",
        "bands": 32,
        "frames": 32,
        "width": 16,
        "stages": 2,
        "dropout": 0.0,
        "warp": 0.0,
        "masking": 0.0,
        "label_smoothing": 0.0,
        "learning_rate": 5e-3,
        "epochs": 4 if rows > MANY_ROWS else 16,
    }


def default_network(rows: int) -> Point:
    """Return what a person would write without thought: the untuned network that results are compared with."""
    return {
        **usual(rows),
        "dropout": 0.0,
        "warp": 0.0,
        "masking": 0.0,
        "label_smoothing": 0.0,
        "learning_rate": 1e-3,
        "weight_decay": 1e-2,
        "second_moment": 0.999,
        "epochs": 6 if rows > MANY_ROWS else 16,
    }


def inputs(point: Point, whole: ImageInput) -> ImageInput:
    """Return the first block with the bands and frames of a point.

    Args:
        point: what is asked for.
        whole: the block for sounds as they are encoded; their maps are made smaller, but never larger.
    """
    return replace(whole, height=min(whole.height, int(point["bands"])), width=min(whole.width, int(point["frames"])))


def describe(point: Point) -> str:
    """Return what a point is in a few words, for leaderboards."""
    extras = [f"warped {point['warp']}"] if float(point["warp"]) > 0 else []
    extras += [f"masked {point['masking']}"] if float(point["masking"]) > 0 else []
    extras += ["mixed"] if float(point["mixup"]) > 0 else []
    return ", ".join([images.shape_of(point), *extras])
