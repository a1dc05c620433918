"""Which form requests to a model have: that of tables, of files, or of sentences."""

from __future__ import annotations

from netwright.model import Model
from netwright.serve.files import FAMILY, file_form
from netwright.serve.form import Form
from netwright.serve.inputs import Input
from netwright.serve.limits import Limits
from netwright.serve.sentences import sentence_form
from netwright.serve.tables import table_form


def form_of(model: Model, inputs: tuple[Input, ...], limits: Limits) -> Form:
    """Return how requests to a model are read and answered."""
    if model.task.sequences is not None:
        return sentence_form(model, limits)
    if len(inputs) == 1 and str(inputs[0].kind) in FAMILY:
        return file_form(model, inputs, limits)
    return table_form(model, inputs, limits)
