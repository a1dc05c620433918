"""An option has a value that cannot be."""

from __future__ import annotations

from netwright.errors.base import SettingError, megabytes, nearest


class UnknownMetric(SettingError):
    """There is no metric of that name for that outcome."""

    def __init__(self, name: str, outcome: str, known: tuple[str, ...]) -> None:
        choice = ", ".join(known)
        super().__init__(
            f"The metric {name!r} does not exist for {outcome}.{nearest(name, known)} Choose from: {choice}."
        )


class NoDevice(SettingError):
    """There is no such device, or PyTorch cannot compute on it."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"PyTorch cannot compute on the device {name!r} here. Choose from: auto, {', '.join(known)}; for a "
            "graphics card, PyTorch must be one that was built for it."
        )


class UnknownFramework(SettingError):
    """There is no such framework to train with."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"The framework {name!r} does not exist.{nearest(name, known)} Choose from: {', '.join(known)}."
        )


class OtherBackend(SettingError):
    """Keras runs on one backend for the life of a process, and on another one already."""

    def __init__(self, name: str, loaded: str) -> None:
        super().__init__(
            f"Keras runs on {loaded} in this process already, and cannot run on {name} too. "
            f"Start Python anew, or set the variable KERAS_BACKEND to {name} before Keras is imported."
        )


class NotWithFramework(SettingError):
    """A framework does without something that was asked for."""

    def __init__(self, option: str, name: str) -> None:
        super().__init__(
            f"With --framework {name} there is no {option}. Leave it out, or train with --framework torch."
        )


class BadRepository(SettingError):
    """A repository of trained weights is not written as hub:OWNER/NAME."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"--pretrained {text!r} is not of the form hub:OWNER/NAME. Write for example "
            "--pretrained hub:timm/tf_efficientnet_lite0.in1k, or hub alone for the usual weights."
        )


class BadTrials(SettingError):
    """A number of trials that cannot be run."""

    def __init__(self, trials: int) -> None:
        super().__init__(f"The number of trials must be 1 or more, but is {trials}.")


class BadWorkers(SettingError):
    """A number of workers that there cannot be."""

    def __init__(self, workers: int, most: int) -> None:
        super().__init__(f"The number of workers must be 1 to {most:,}, but is {workers}.")


class BadCluster(SettingError):
    """An address that leads to no Ray cluster which runs already."""

    def __init__(self, address: str, variable: str = "") -> None:
        whence = f"The variable {variable} says" if variable else "--cluster is"
        super().__init__(
            f"{whence} {address!r}, which names no cluster that runs. Write auto for the Ray cluster of this machine, "
            "or HOST:PORT of its head, such as 10.0.0.5:6379."
        )


class NoCluster(SettingError):
    """A Ray cluster cannot be joined."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"The Ray cluster {address!r} cannot be joined: {reason}. This machine has to be a node of it, with the "
            "same releases of Python and Ray, and the token if it asks for one: see docs/scaling.md."
        )


class TooFewInCluster(SettingError):
    """A Ray cluster has not room for as many workers as are asked for."""

    def __init__(self, workers: int, most: int, what: str) -> None:
        room = f"has room for {most:,}, one a {what}" if most else f"has no {what}"
        super().__init__(
            f"{workers:,} workers are asked for, but the Ray cluster {room}. Ask for fewer by --workers, leave it out "
            "for as many as there is room for, or add nodes."
        )


class TimeAndTrials(SettingError):
    """Two ways to say when a run ends."""

    def __init__(self) -> None:
        super().__init__("A run ends after a time or after a number of trials. Give --time or --trials, not both.")


class BadLatency(SettingError):
    """A limit of the time to predict one row that is none."""

    def __init__(self, text: str) -> None:
        super().__init__(f"The latency limit {text!r} is not a duration above zero. Write it as 1ms, 500us or 0.01s.")


class BadSize(SettingError):
    """A limit of the size of a file that is none."""

    def __init__(self, text: str) -> None:
        super().__init__(f"The size limit {text!r} is not a size above zero. Write it as 2MB, 500kB or 1MiB.")


class BadMemory(SettingError):
    """A limit of memory that is none."""

    def __init__(self, text: str) -> None:
        super().__init__(f"The memory limit {text!r} is not a size above zero. Write it as 4GB, 500MB or 8GiB.")


class TooLittleMemory(SettingError):
    """A run would take more memory than there is for it."""

    def __init__(self, limit: int, least: int, *, asked: bool = True) -> None:
        allowed = f"--memory allows {megabytes(limit)}" if asked else f"only {megabytes(limit)} are free for it"
        remedy = "Allow more" if asked else "Close other programs, or allow its container more"
        super().__init__(f"A run takes at least {megabytes(least)} of memory, but {allowed}. {remedy}.")


class NoProbabilities(SettingError):
    """Probabilities were asked of a model that predicts a number."""

    def __init__(self, target: str) -> None:
        super().__init__(
            f"This model predicts the number {target!r}, which has no class probabilities. Use predict instead."
        )


class UnknownTask(SettingError):
    """There is no such task."""

    def __init__(self, task: str, known: tuple[str, ...], hint: str) -> None:
        super().__init__(f"The task {task!r} does not exist.{hint} Choose from: {', '.join(known)}.")


class UnknownSearch(SettingError):
    """There is no such way to search."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"The search {name!r} does not exist.{nearest(name, known)} Choose from: {', '.join(known)}.")


class UnknownColumn(SettingError):
    """A setting names a column that is not there."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f"A setting names the column {name!r}, which is not in the data.{hint}")


class GroupOfTarget(SettingError):
    """The column to predict is also to say which rows belong together."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The column {name!r} is the target, and cannot say which rows belong together. Name another.")


class KindOfTarget(SettingError):
    """A kind was stated for the column to predict."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"A kind is stated for {name!r}, which is the target. "
            "Say what to predict by --task classification or regression instead."
        )


class UnreadableKind(SettingError):
    """No cell of a column can be read as the kind that was stated for it."""

    def __init__(self, name: str, kind: str, example: str) -> None:
        super().__init__(
            f"No cell of column {name!r} can be read as {kind}: it holds values such as {example[:40]!r}. "
            "State another kind, such as categorical, or leave --kind out for it."
        )


class UnknownKind(SettingError):
    """There is no such kind of column."""

    def __init__(self, kind: str, known: tuple[str, ...]) -> None:
        super().__init__(f"The kind {kind!r} does not exist.{nearest(kind, known)} Choose from: {', '.join(known)}.")


class BadKind(SettingError):
    """A kind is not written as COL=KIND."""

    def __init__(self, text: str) -> None:
        super().__init__(f"--kind {text!r} is not of the form COL=KIND. Write for example --kind zip=categorical.")


class TwoKinds(SettingError):
    """Two kinds are stated for one column."""

    def __init__(self, name: str, one: str, other: str) -> None:
        super().__init__(
            f"The column {name!r} is said to be {one} and also {other}. Say one of them, by --kind or --text."
        )


class MissingExtra(SettingError):
    """A package is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(
            f"This needs the package {module}, which is not installed. Run: pip install 'netwright[{extra}]'"
        )
