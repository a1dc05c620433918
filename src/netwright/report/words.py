"""What the numbers of a run mean, in plain English: for a person who knows no deep learning."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Any

from netwright.events import WorkerLost
from netwright.report.numbers import metric_name, number, percent, score
from netwright.result import Result

GOOD_ENOUGH = 0.985  # shares from here on are told with one decimal: 98.9 of 100 is not 99 of 100

FRAME = "a data frame"  # as a record names one, which no command can name
USUAL: Mapping[str, Any] = {
    **dict.fromkeys(("task", "metric", "search", "pretrained"), "auto"),
    "framework": "torch",
    "device": "auto",
    "bad_files": 0.1,
}
"""What settings are where nobody says otherwise."""

_UNUSED = {
    "identifier": "no: it names the row, and says nothing about new ones",
    "constant": "no: it is the same in every row",
}


def task_in_words(task: str) -> str:
    """Return what kind of answer is given.

    >>> task_in_words("tabular_binary")
    'one of two classes'
    """
    outcomes = {"binary": "one of two classes", "multiclass": "one of several classes", "regression": "a number"}
    outcomes |= {"tags": "a tag for each token"}
    return outcomes.get(task.rpartition("_")[2], task.replace("_", ", "))


def meaning(result: Result, target: str) -> str:
    """Return what the score promises for new rows, in a sentence or two."""
    value, low, high = result.score, result.score_low, result.score_high
    if not math.isfinite(value):
        return f"The {metric_name(result.metric)} is not defined on these rows."
    between = f"(between {score(low, result.metric)} and {score(high, result.metric)}, with 95 % certainty)"
    match result.metric:
        case "accuracy":
            about, *ends = _of_hundred(value, low, high)
            same = set(ends) == {about}  # all round to one number where rows are many
            between = "(with 95 % certainty)" if same else f"(between {ends[0]} and {ends[1]}, with 95 % certainty)"
            return f"Of 100 new rows like these, the model would name “{target}” rightly in about {about} {between}."
        case "balanced_accuracy":
            about, *_ = _of_hundred(value, low, high)
            return (
                f"Of 100 new rows of a class, averaged over all classes, it would name about {about} rightly {between}."
            )
        case "entity_f1":
            f1 = score(value, result.metric)
            return f"On new sentences like these, the model would find entities with an F1 of {f1} {between}."
        case "roc_auc":
            about, *_ = _of_hundred(value, low, high)
            return (
                f"Of two new rows, one of each class of “{target}”, the model would tell which is which in about "
                f"{about} of 100 cases. Guessing would in 50."
            )
        case "log_loss":
            sure = percent(math.exp(-max(0.0, value)))  # the geometric mean of the probability given to the truth
            return (
                f"On new rows like these, the model would give the true “{target}” a probability of typically {sure} %."
            )
        case "rmse" | "mae":
            kind = "on average" if result.metric == "mae" else "typically"
            return f"On new rows like these, the model would miss “{target}” by {number(value)} {kind} {between}."
        case "r2":
            return (
                f"On new rows like these, the model would explain about {100 * value:.0f} % of how “{target}” varies."
            )
        case _:
            return f"On new rows like these, the {metric_name(result.metric)} would be about {number(value)} {between}."


def comparison(result: Result) -> str:
    """Return whether the model is better than the first baseline, which needs no model at all; empty without one."""
    if not result.baselines:
        return ""
    trivial = result.baselines[0]
    sign = 1 if result.greater_is_better else -1
    worst = result.score_low if result.greater_is_better else result.score_high
    if not all(map(math.isfinite, (worst, trivial.score, result.score))):
        return ""
    if sign * (worst - trivial.score) > 0:
        return f"That is clearly better than “{trivial.name}”, which gives {score(trivial.score, result.metric)}."
    return (
        f"That is not clearly better than “{trivial.name}”, which gives {score(trivial.score, result.metric)}: "
        "these columns tell little about it, or there are too few rows."
    )


def _of_hundred(*shares: float) -> list[str]:
    """Return shares as counts of a hundred, all with a decimal where whole numbers would say too much."""
    fine = any(share >= GOOD_ENOUGH or share <= 1 - GOOD_ENOUGH for share in shares)
    return [percent(min(1.0, max(0.0, share))) if fine else f"{100 * share:.0f}" for share in shares]


def use_of(kind: str, distinct: int) -> str:
    """Return whether a column is used, and if not, why."""
    if kind == "constant" and distinct == 0:
        return "no: it is empty"
    return _UNUSED.get(kind, "yes")


def lost_in_words(lost: WorkerLost) -> str:
    """Return that a worker was lost, why, and what came of its trials.

    >>> lost_in_words(WorkerLost(9.5, (4,), "worker 2", "its process was ended by signal 9", 1))
    'worker 2 was lost: its process was ended by signal 9; trial 4 is trained again by another'
    >>> lost_in_words(WorkerLost(9.5, (4, 5), "worker 2", "its node died", 12))
    'worker 2 was lost: its node died; trials 4, 5 go on from epoch 12 with another'
    >>> lost_in_words(WorkerLost(1.5, (), "worker 3", "there was no room for it", 0))
    'worker 3 could not be started: there was no room for it'
    >>> lost_in_words(WorkerLost(70.5, (), "worker 3", "it did not come to an end", 0, True))
    'worker 3 was ended: it did not come to an end'
    """
    if lost.ended:
        return f"{lost.worker} was ended: {lost.reason}"
    if not lost.trials:
        return f"{lost.worker} could not be started: {lost.reason}"
    one = len(lost.trials) == 1
    trials = f"trial{'' if one else 's'} {', '.join(map(str, lost.trials))}"
    again = f"{'is' if one else 'are'} trained again by another"
    further = f"{'goes' if one else 'go'} on from epoch {lost.epoch} with another"
    return f"{lost.worker} was lost: {lost.reason}; {trials} {again if lost.epoch <= 1 else further}"


def command(settings: Mapping[str, Any]) -> str:
    """Return the command, or the lines of Python, that makes the run again: all that was said but where it goes."""
    # What trained is recorded as it was found: said is what was asked for, so that the next machine may find another.
    settings = {**settings, "device": settings.get("device_asked", USUAL["device"])}
    if settings.get("data") == FRAME:
        return _python(settings)
    words = ["netwright", "fit", str(settings.get("data", "DATA"))]
    words += ["--target", str(settings["target"])] if settings.get("target") else []
    if settings.get("trials") is not None:
        words += ["--trials", str(settings["trials"])]
    elif settings.get("time") is not None:
        words += ["--time", f"{settings['time']}".removesuffix(".0") + "s"]
    words += ["--group", str(settings["group"])] if settings.get("group") is not None else []
    words += ["--test", str(settings["test"])] if settings.get("test") not in (None, FRAME) else []
    for name, usual in USUAL.items():
        words += [f"--{name.replace('_', '-')}", str(settings[name])] if settings.get(name, usual) != usual else []
    words += ["--seed", str(settings.get("seed", 0)), *(["--single"] if settings.get("single") is True else [])]
    for name in ("max_latency", "max_size", "memory", "workers", "cluster"):
        words += [f"--{name.replace('_', '-')}", str(settings[name])] if settings.get(name) is not None else []
    kinds = settings.get("kinds")
    for column, kind in kinds.items() if isinstance(kinds, Mapping) else ():
        words += ["--kind", f"{column}={kind}"]
    return shlex.join(words)


def _python(settings: Mapping[str, Any]) -> str:
    names = (
        "target",
        "time",
        "trials",
        "group",
        "test",
        *USUAL,
        "seed",
        "kinds",
        "single",
        "max_latency",
        "max_size",
        "memory",
        "workers",
        "cluster",
    )
    given = [(name, settings.get(name)) for name in names if settings.get(name) != USUAL.get(name)]
    shown = [f"{name}={value!r}" for name, value in given if value not in (None, FRAME, {}) and value is not False]
    return f"import netwright as nw\n\nrun = nw.fit(df, {', '.join(shown)})"
