from __future__ import annotations

import math
import shlex
from dataclasses import replace

import pytest

from netwright.report import words
from netwright.result import Baseline, Result


@pytest.mark.parametrize(
    ("metric", "values", "told"),
    [
        ("accuracy", (0.8634, 0.857, 0.869), "rightly in about 86 (between 86 and 87, with"),
        ("accuracy", (0.994, 0.991, 0.9999), "rightly in about 99.4 (between 99.1 and 99.9, with"),
        ("accuracy", (0.899, 0.897, 0.901), "rightly in about 90 (with 95 % certainty)."),
        ("accuracy", (1.0, 0.97, 1.0), "rightly in about 100 (between 97.0 and 100, with"),
        ("balanced_accuracy", (0.79, 0.75, 0.81), "about 79 rightly (between 75.0 % and 81.0 %"),
        ("roc_auc", (0.93, 0.9, 0.95), "which is which in about 93 of 100 cases"),
        ("log_loss", (0.2231, 0.2, 0.3), "a probability of typically 80.0 %"),
        ("rmse", (12.3456, 11.0, 14.0), "miss “y” by 12.35 typically (between 11 and 14"),
        ("mae", (1234.5, 1100.4, 1300.0), "by 1,234 on average (between 1,100 and 1,300"),
        ("r2", (0.87, 0.8, 0.9), "explain about 87 % of how “y” varies"),
        ("macro_f1", (0.5, 0.4, 0.6), "the macro-averaged F1 would be about 0.5000"),
        ("roc_auc", (math.nan, 0.0, 1.0), "is not defined"),
    ],
)
def test_every_metric_is_put_in_words(
    of_classes: Result, metric: str, values: tuple[float, float, float], told: str
) -> None:
    """A sentence says what a score means for new rows, and never more than is known."""
    score, low, high = values
    result = replace(of_classes, metric=metric, score=score, score_low=low, score_high=high)
    assert told in words.meaning(result, "y")


def test_a_score_is_compared_with_doing_nothing(of_classes: Result, of_numbers: Result) -> None:
    """Only a score whose whole interval beats the trivial answer is called better, in whichever direction better is."""
    assert "clearly better than “always the usual answer”, which gives 55.0 %" in words.comparison(of_classes)
    assert "That is clearly better" in words.comparison(of_numbers)
    weak = replace(of_numbers, baselines=(Baseline("the mean", 25_000.0),))
    assert "not clearly better than “the mean”" in words.comparison(weak)
    weak = replace(of_classes, baselines=(Baseline("the usual", 0.86),))
    assert "columns tell little" in words.comparison(weak)
    assert words.comparison(replace(of_classes, baselines=())) == ""
    assert words.comparison(replace(of_classes, score=math.nan)) == ""


def test_the_command_survives_a_shell() -> None:
    """Names with blanks, quotes and signs come through a shell as they are."""
    settings = {
        "data": "my $data.csv",
        "target": "it's; rm",
        "trials": 12,
        "time": None,
        "seed": 3,
        "single": True,
        "metric": "r2",
        "search": "tpe",
    }
    line = words.command({**settings, "kinds": {"a b": "text"}})
    assert shlex.split(line) == [
        *("netwright", "fit", "my $data.csv", "--target", "it's; rm", "--trials", "12"),
        *("--metric", "r2", "--search", "tpe", "--seed", "3", "--single", "--kind", "a b=text"),
    ]


def test_the_command_says_all_that_a_run_is_known_by() -> None:
    """What is as usual is left out."""
    settings = {
        "data": "a.csv",
        "target": "y",
        "time": 60.0,
        "seed": 0,
        "group": "who",
        "test": "b.csv",
        "task": "auto",
        "metric": "auto",
        "search": "auto",
        "pretrained": "none",
        "framework": "jax",
        "bad_files": 0.2,
    }
    assert shlex.split(words.command(settings))[3:] == [
        *("--target", "y", "--time", "60s", "--group", "who", "--test", "b.csv"),
        *("--pretrained", "none", "--framework", "jax", "--bad-files", "0.2", "--seed", "0"),
    ]
    usual = {**settings, **words.USUAL, "group": None, "test": words.FRAME}
    assert shlex.split(words.command(usual))[3:] == ["--target", "y", "--time", "60s", "--seed", "0"]
    told = words.command({**settings, "data": words.FRAME})
    assert "group='who', test='b.csv', pretrained='none', framework='jax', bad_files=0.2, seed=0" in told


def test_the_device_is_told_as_it_was_asked_for() -> None:
    """What was found for it is not: another machine may have another."""
    found = {"data": "a.csv", "target": "y", "trials": 3, "device": "cuda:0", "device_asked": "auto"}
    assert "--device" not in words.command(found)
    assert "--device" not in words.command({name: found[name] for name in found if name != "device_asked"})
    asked = {**found, "device": "cpu", "device_asked": "cpu"}
    assert "--device cpu" in words.command(asked)
    assert "device='cpu'" in words.command({**asked, "data": words.FRAME})
    assert "device" not in words.command({**found, "data": words.FRAME})


def test_a_frame_is_fitted_in_python() -> None:
    """A run on a data frame is repeated by lines of Python, which are well formed."""
    told = words.command(
        {"data": "a data frame", "target": "it's", "time": 60.0, "seed": 0, "task": "auto", "kinds": {}}
    )
    assert told == 'import netwright as nw\n\nrun = nw.fit(df, target="it\'s", time=60.0, seed=0)'
    compile(told, "told", "exec")


def test_odd_settings_do_no_harm() -> None:
    """Settings that are missing or of another type still make a line."""
    assert words.command({}) == "netwright fit DATA --seed 0"
    assert "--time" in words.command({"time": ["x"], "kinds": 3, "seed": None})
