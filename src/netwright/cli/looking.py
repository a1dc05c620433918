"""The commands that look at something and change nothing: show a model, and doctor this machine."""

from __future__ import annotations

from dataclasses import asdict

from netwright.cli.options import Json, ModelFile, load_model
from netwright.streams import put, put_json


def show(model: ModelFile, as_json: Json = False) -> None:
    """Show a model: its architecture, its costs, and where its numbers come from."""
    from netwright.report.text import describe

    loaded = load_model(model)
    if as_json:
        cost = loaded.cost()
        parts = [{"share": part.share, "candidate": part.candidate.to_json()} for part in loaded.parts]
        result = loaded.result.to_json()
        put_json({"parameters": cost.parameters, "flops": cost.flops, "parts": parts, "result": result})
    else:
        put(describe(loaded))


def doctor(as_json: Json = False) -> None:
    """Look at this machine: what it has, what is missing, and how to get it."""
    from netwright.cli.checkup import as_text, examine

    facts = examine()
    if as_json:
        put_json({"facts": [asdict(fact) for fact in facts]})
    else:
        put(as_text(facts))
