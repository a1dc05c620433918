"""A model as a program of PyTorch (`torch.export`): the networks, their shares and the calibration, from features on.

What it takes are the features of rows, by the names and as the arrays that `model.preparation.encode` gives; a program
beside it makes them of cells. It needs PyTorch, and nothing of Netwright.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from netwright.build.torch_program import save_program
from netwright.export.beside import Form, compared, files_beside
from netwright.export.examples import example_table
from netwright.export.parity import Parity
from netwright.export.written import put_files
from netwright.model import Model
from netwright.tasks.task import frames

PROGRAM = "model.pt2"


def write_torch(model: Model, folder: Path) -> Parity:
    """Write one file of `torch.export.save`, which takes a dictionary of features, and what lies beside it.

    It is read back by plain PyTorch in a process of its own, and its answers compared.

    Args:
        model: what is exported.
        folder: where `model.pt2` goes: see `written.put_files`.

    Returns:
        How near the answers are.

    Raises:
        FailedExport: if PyTorch does not read or answer it.
        UnequalExport: if answers are not near enough; nothing is written then.
        OutputError: if it cannot be written there.
    """
    preparation = model.preparation
    frame = next(iter(frames(model.task, example_table(model, 2, 0), preparation.schema)))
    mix = [(part.candidate.network, part.weights, part.share) for part in model.parts]
    with tempfile.TemporaryDirectory(prefix="netwright-") as made:
        source = Path(made, PROGRAM)
        names = save_program(source, mix, preparation.goal, model.temperature, preparation.encode(frame).arrays)
        form = Form("torch", PROGRAM, PROGRAM, names)
        files = files_beside(model, form)
        parity = compared(model, form, files, source, "torch")
        put_files("torch", {PROGRAM: source, **files}, folder)
    return parity
