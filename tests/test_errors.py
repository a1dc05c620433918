"""Every error says what is wrong and what to do, in one to three plain sentences that name what they were given."""

from __future__ import annotations

import re
from typing import Any

import pytest

from netwright import errors
from netwright.errors import NetwrightError, nearest

GIVEN: dict[str, tuple[Any, ...]] = {
    "BadFiles": (["cat/1.jpg", "dog/2.jpg"], "it is damaged", [0, 3]),
    "BadCluster": ("local", "RAY_ADDRESS"),
    "BadCertificate": ("server.crt", "server.key", "they do not fit together"),
    "BadKind": ("zip",),
    "BadLatency": ("fast",),
    "BadMemory": ("4XB",),
    "BadRepository": ("hub:mine",),
    "BadSize": ("small",),
    "BadToken": ("token", "it has 3 letters"),
    "BadTrials": (0,),
    "BadWorkers": (0, 1000),
    "ReplacesTrials": ("run/trials.nw",),
    "NoDevice": ("cuda:3", ("cpu", "cuda:0")),
    "CannotGoOn": ("the search proposes other trials than it did",),
    "CannotWrite": ("out/model.nw", "No space left on device"),
    "ConstantTarget": ("label", "yes"),
    "DamagedBundle": ("model.nw", "spec.json is not plain JSON"),
    "DamagedJournal": ("journal.sqlite", "a table is missing"),
    "DifferentRun": ("netwright-run", ["its target is 'size', not 'colour'"]),
    "DuplicateColumns": ("data.csv", ["size", "colour"]),
    "EmptyFolder": ("pictures", [".jpg", ".png"], [".wav"]),
    "EmptyTable": ("data.csv", "the file is empty"),
    "FailedDevice": ("CUDA error: unspecified launch failure",),
    "FailedExport": ("model.tflite", "it has no operator for this"),
    "FolderInUse": ("out",),
    "GroupOfTarget": ("label",),
    "HalfTls": ("--tls-key", "--tls-cert"),
    "HostileBundle": ("model.nw", "a member stands in it twice"),
    "InTheWay": ("out/predict.py", "it was changed after an export wrote it"),
    "KindOfTarget": ("label",),
    "MissingBundle": ("model.nw",),
    "MissingColumns": (["size", "colour"],),
    "MissingExtra": ("torch", "train"),
    "MissingFile": ("data.csv",),
    "MissingJournal": ("journal.sqlite",),
    "MissingPaths": ("photo", "image", "/data/photos/1.jpg", "/data/photos"),
    "MissingTarget": ("lable", " Did you mean 'label'?"),
    "MixedLabels": (["int", "str"],),
    "NewerBundle": ("model.nw", 7, 1),
    "NewerJournal": ("journal.sqlite", 7, 1),
    "NoAddress": ("127.0.0.1", 80, "permission denied"),
    "NoCluster": ("10.0.0.5:6379", "nobody answers there"),
    "NoClasses": ("pictures",),
    "NoInputs": ("the target 'label' is its only column",),
    "NoKeptTrials": ("nowhere",),
    "NoPlaceForProbabilities": ("answers.conll",),
    "NoProbabilities": ("price",),
    "NoSource": ("its networks learn from what a trained trunk sees",),
    "NoTarget": (),
    "NoText": (),
    "NoTrialFinished": ("memory did not suffice",),
    "NotLookedAgain": (),
    "NoWorkers": ("its process was ended by signal 9",),
    "OtherVersions": ("worker 1", {"torch": "2.13.0", "python": "3.12.1"}, {"torch": "2.12.0", "python": "3.12.1"}),
    "NotABundle": ("data.csv",),
    "NotAFile": ("folder",),
    "NotAJournal": ("journal.sqlite",),
    "NotANumber": ("label", "yes"),
    "NotWithFramework": ("--device cuda", "jax"),
    "NotATable": ("data.csv", "it holds binary data"),
    "OneClass": ("yes",),
    "OneGroup": ("person",),
    "NothingSaved": ("int8", "its networks have too few weights"),
    "NothingToAddTo": ("netwright-run",),
    "OlderJournal": ("journal.sqlite", 1, 2),
    "NothingToEvaluate": ("label",),
    "OpenWithoutTls": ("0.0.0.0",),
    "OpenWithoutToken": ("0.0.0.0",),
    "OtherBackend": ("jax", "tensorflow"),
    "OtherTags": ("S-PER",),
    "OversizedBundle": ("model.nw", "more than 80 members"),
    "RaggedRow": ("data.csv", 22, 4, 2),
    "ServerNotStarted": (2,),
    "ServersEnded": (5, 60),
    "ShortOfMemory": (),
    "SpecError": ("width: input should be less than 8192",),
    "TimeAndTrials": (),
    "TooFewInCluster": (8, 4, "processor core"),
    "TooFewRows": ("label", 9, 10),
    "TooLargeForMemory": ("data.xlsx", 3e9, 1e9),
    "TooLittleMemory": (10**8, 10**9),
    "TooManyBadFiles": (30, 100, "image", "cat/1.jpg", "it is damaged"),
    "TooManyClasses": ("label", 2000, 1000),
    "TruncatedBundle": ("model.nw",),
    "TwoKinds": ("note", "categorical", "text"),
    "UnequalLengths": (100, 99),
    "UnfinishedRun": ("journal.sqlite",),
    "UnfitBundle": ("model.nw", "the shapes of its weights are wrong"),
    "UnfitTest": ("There is no column 'label' to predict.",),
    "UnfitWeights": ("weights.pth", "it cannot be read"),
    "UnknownColumn": ("sise", " Did you mean 'size'?"),
    "UnequalExport": ("model.onnx", 0.25, 1e-4),
    "UnknownExport": ("form", "onx", ("onnx", "keras")),
    "LosesTooMuch": ("int8", 0.02, 0.005),
    "NothingToJudgeBy": (),
    "NothingToQuantize": (),
    "UndefinedMetric": ("roc_auc",),
    "UnknownFormat": ("answers.doc", (".csv", ".parquet")),
    "UnknownFramework": ("tensorflo", ("torch", "tensorflow", "jax")),
    "UnknownKind": ("numerical", ("numeric", "text")),
    "UnknownMetric": ("acuracy", "binary", ("accuracy", "log_loss")),
    "UnknownSearch": ("evolutoin", ("evolution", "random")),
    "UnknownTask": ("regresion", ("regression",), " Did you mean 'regression'?"),
    "UnreachableWeights": ("me/mine", "the hub cannot be reached"),
    "UnreadableBundle": ("model.nw", "it is not a regular file"),
    "UnreadableDocument": ("schema",),
    "UnreadableJournal": ("journal.sqlite", "disk I/O error"),
    "UnreadableKind": ("size", "numeric", "red"),
    "UnwritableModel": ("model.nw", "more than 20,000 tensors"),
    "WordyTarget": ("label", "dates"),
    "WrongClassCount": ("label", 3),
}
FAMILIES = {"NetwrightError", "DataError", "SettingError", "BundleError", "OutputError", "RunError", "TrialError"}


def test_every_error_is_in_the_table() -> None:
    """A new error has to show its text here."""
    assert {name for name in errors.__all__ if name != "nearest"} == set(GIVEN) | FAMILIES


@pytest.mark.parametrize("name", GIVEN)
def test_an_error_is_one_to_three_sentences_that_name_what_is_wrong(name: str) -> None:
    """No line break, no class name, nothing longer than a glance; what was given is in the text."""
    error = getattr(errors, name)(*GIVEN[name])
    text = str(error)
    assert isinstance(error, NetwrightError)
    assert error.exit_status in (1, 2)
    assert "\n" not in text
    assert text[0].isupper() or text.startswith((str(GIVEN[name][0]), "--"))
    assert 1 <= len(re.findall(r"[.!?](?:\s|$)", text)) <= 3 or "pip install" in text
    assert len(text) <= 320
    for part in (part for part in GIVEN[name] if isinstance(part, str)):
        assert part in text


def test_the_nearest_name_is_offered_if_one_is_near() -> None:
    """A slip is mended, a stranger is not."""
    assert nearest("lable", ["label", "size"]) == " Did you mean 'label'?"
    assert nearest("xyz", ["label", "size"]) == ""


def test_a_sentence_is_short_enough_to_be_read() -> None:
    """Also where a file has a column with a name of a million letters; what to do still stands at its end."""
    text = str(errors.MissingColumns(["x" * 10**6]))
    assert len(text) < 2_100 and text.startswith("The data lacks") and text.endswith("empty cells are allowed.")
