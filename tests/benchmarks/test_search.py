"""The comparison of samplers: what its table says of results that are known."""

from __future__ import annotations

from typing import Any

from search import area_of, as_table


def line(name: str, search: str, seed: int, score: float, limit: float | None = 60.0) -> dict[str, Any]:
    """Return a run that reached its score after three seconds."""
    return {
        "set": name,
        "search": search,
        "seed": seed,
        "budget": "--time 60s",
        "metric": "accuracy",
        "score": score,
        "test": {"accuracy": score},
        "trivial": 0.5,
        "limit": limit,
        "trials": 9,
        "failed_trials": 0,
        "seconds": 60.0,
        "curve": [(3.0, score)],
    }


def test_the_table_has_means_and_their_spread() -> None:
    """A row for each table and sampler, and one for each sampler over the tables that all have finished."""
    lines = [
        line(name, search, seed, 0.8 + 0.1 * seed) for name in "ab" for search in ("tpe", "local") for seed in (0, 1)
    ]
    lines += [line("c", "tpe", 0, 0.1), {**line("c", "local", 0, 0.1), "failed": 1}]
    table = as_table(lines).splitlines()
    assert "| --time 60s | a | local | 2 | accuracy | 0.85 ± 0.071 | 0.85 ± 0.071 | 0.6565 ± 0.055 | 9 |" in table
    assert "| --time 60s | all | tpe | 4 | quality |  | 0.85 ± 0.071 | 0.6565 ± 0.055 | 9 |" in table
    assert "| --time 60s | c | tpe | 1 | accuracy | 0.1 | 0.1 | 0.07723 | 9 |" in table
    assert table[-1] == "('c', 'local', 0, '--time 60s') failed with status 1."


def test_a_number_of_trials_has_no_area() -> None:
    """Its column stays empty."""
    alone = line("a", "tpe", 0, 0.8, limit=None)
    assert area_of(alone) != area_of(alone)
    assert "| 0.8 | 0.8 |  | 9 |" in as_table([alone])
