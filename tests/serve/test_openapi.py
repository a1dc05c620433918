"""Schemathesis asks all that the OpenAPI document allows, and much that it does not: every answer is as described."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pandas as pd
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

import netwright as nw
from netwright.serve.app import PATHS, make_app
from netwright.serve.limits import Limits
from netwright.serve.metrics import Metrics

Toys = Callable[[str], tuple[nw.Model, pd.DataFrame]]
QUICK = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def asked(model: nw.Model, *excluded: Callable[..., Any]) -> int:
    """Ask all that there is of a served model, rightly and wrongly, and return how many requests that were.

    Args:
        model: what is served.
        excluded: checks of Schemathesis that its answers need not pass; all others they have to.
    """
    # So many rows that it does not try more: by its rules 413 is no way to refuse what breaks a schema.
    app, requests = make_app(model, Limits(rows=10**7), None, Metrics(PATHS)), 0
    for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @QUICK
            @given(operation.as_strategy(generation_mode=mode))
            def ask(case: schemathesis.Case) -> None:
                nonlocal requests
                requests += 1
                case.call_and_validate(excluded_checks=list(excluded))

            with contextlib.suppress(Unsatisfiable):  # there is no wrong way to ask for what takes nothing
                ask()
    return requests


def test_tables(model: nw.Model) -> None:
    """Rows as JSON, and tables; a text that is no date, or no table, is refused though no schema can say so."""
    assert asked(model, positive_data_acceptance) > 50


def test_images(toys: Toys) -> None:
    """Files of any content, in forms and without; those that are no images are refused."""
    assert asked(toys("image")[0], positive_data_acceptance) > 50


def test_sentences(toys: Toys) -> None:
    """Texts and tokens."""
    assert asked(toys("tagging")[0]) > 50
