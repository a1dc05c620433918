"""Every registered sampler, by the contract and by what it alone promises."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from netwright.errors import MissingExtra, UnknownSearch
from netwright.search import DEFAULT, SAMPLERS, Sampler, densities, evolution, find_sampler, local, mixed, random, tpe
from netwright.search.sampler import Handed, Heard, Step
from netwright.spec.spaces import Choice, Point, Space, neighbours
from netwright.testing.samplers import SPACE, START, check_sampler

CONTROLS = {"random"}


def one(point: Point) -> int:
    """Return that every point is trained alone."""
    return 1


def told(sampler: Sampler, count: int, seed: int = 0) -> Any:
    """Return a state that was told of `count` points, the better the nearer `drop` is to 0.4."""
    state = sampler.init(SPACE, [START], seed)
    for _ in range(count):
        (proposal,), state = sampler.ask(state, one)
        state = sampler.tell(state, proposal.point, abs(float(proposal.point["drop"]) - 0.4))
    return state


def origins(sampler: Sampler, count: int) -> list[str]:
    """Return who proposed each point of a search."""
    state = sampler.init(SPACE, [START], 0)
    found = []
    for _ in range(count):
        (proposal,), state = sampler.ask(state, one)
        found.append(proposal.origin)
        state = sampler.tell(state, proposal.point, abs(float(proposal.point["drop"]) - 0.4))
    return found


# --- what is given ---------------------------------------------------------------------------------------------------


GIVEN: list[Point] = [{"input": kind, "width": width} for width in (8, 16) for kind in ("bag", "sequence", "table")]
OF_KINDS: Space = {"input": Choice(("bag", "sequence", "table"), kinds=True), "width": Choice((8, 16, 32))}


@pytest.mark.parametrize(
    "losses, places",
    [((1.0, 0.7, 1.1), [1, 2, 4, 3, 5]), ((1.0, 0.8, 1.1), [1, 2, 3, 4, 5]), ((0.7, 1.0, 1.1), [1, 2, 3, 4, 5])],
    ids=["far ahead", "near", "the first kind, of which more was tried"],
)
def test_the_portfolio_goes_on_with_a_kind_that_is_far_ahead(losses: tuple[float, ...], places: list[int]) -> None:
    """Until it has had half of the trials; a search that is gone on with knows what was handed out, too."""
    sampler = SAMPLERS[DEFAULT]
    start = state = sampler.init(OF_KINDS, GIVEN, 0)
    steps: list[Step] = []
    found = []
    for _ in GIVEN:
        proposals, state = sampler.ask(state, one)
        found.append(proposals[0].point)
        loss = losses[GIVEN.index(proposals[0].point) % 3]
        steps += [Handed(proposals), Heard(proposals[0].point, loss)]
        state = sampler.tell(state, proposals[0].point, loss)
    assert found == [GIVEN[0], *(GIVEN[place] for place in places)]
    assert sampler.recall(start, steps) == state and not state.portfolio


# --- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_keeps_the_contract(name: str) -> None:
    """Portfolio first, inside the space, repeatable, and better with time unless it is a control."""
    check_sampler(SAMPLERS[name], learns=name not in CONTROLS)


def test_the_contract_finds_a_sampler_that_does_not_learn() -> None:
    """Only the control may do without, and has to say so."""
    with pytest.raises(AssertionError, match="told losses do not lead to better points"):
        check_sampler(random.SAMPLER)


def test_the_contract_finds_a_sampler_that_keeps_something_between_questions() -> None:
    """A state that is changed from outside answers differently the second time."""
    count = 0

    def ask(state: Any, siblings: Any) -> Any:
        nonlocal count
        count += 1
        return evolution.ask(replace(state, seed=count), siblings)

    with pytest.raises(AssertionError):
        check_sampler(replace(evolution.SAMPLER, ask=ask))


# --- the registry ----------------------------------------------------------------------------------------------------


def test_a_sampler_is_found_by_name() -> None:
    """What the registry says is what it holds; auto is the default."""
    assert all(sampler.name == name and find_sampler(name) is sampler for name, sampler in SAMPLERS.items())
    assert find_sampler("auto") is SAMPLERS[DEFAULT]
    with pytest.raises(UnknownSearch, match="Did you mean 'evolution'"):
        find_sampler("evolutoin")


def test_a_missing_optuna_is_said_before_the_search_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those that need it ask for it."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert {name for name, sampler in SAMPLERS.items() if sampler.needs} == {"mixed", "tpe"}
    for name, sampler in SAMPLERS.items():
        if sampler.needs:
            with pytest.raises(MissingExtra, match=r"netwright\[train\]"):
                find_sampler(name)
        else:
            assert find_sampler(name)


def test_optuna_is_loaded_when_the_model_is_first_asked() -> None:
    """And is silent: nothing on either stream, and no warning."""
    code = """if True:
        import json, sys
        from netwright.search import SAMPLERS
        from netwright.testing.samplers import SPACE, START
        found = []
        state = SAMPLERS["tpe"].init(SPACE, [START], 0)
        for turn in range(12):
            (proposal,), state = SAMPLERS["tpe"].ask(state, lambda point: 1)
            state = SAMPLERS["tpe"].tell(state, proposal.point, float(proposal.point["drop"]))
            found.append((proposal.origin == "model", "optuna" in sys.modules))
        print(json.dumps(found))
    """
    ended = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert json.loads(ended.stdout) == [[False, False]] * 10 + [[True, True]] * 2


# --- one by one ------------------------------------------------------------------------------------------------------


def test_random_search_ignores_what_it_is_told() -> None:
    """It is a control, and begins without the portfolio."""
    state = random.init(SPACE, [START], 3)
    again = random.tell(state, START, 0.5)
    for _ in range(5):
        proposals, state = random.ask(state, one)
        repeated, again = random.ask(again, one)
        assert proposals == repeated
    assert [name for name, sampler in SAMPLERS.items() if not sampler.portfolio] == ["random"]


def test_siblings_of_random_search_are_drawn_evenly() -> None:
    """Not near the first point: otherwise the control would search too."""
    state = random.init(SPACE, [START], 3)
    drops = []
    for _ in range(100):
        (_, *siblings), state = random.ask(state, lambda point: 4)
        drops += [float(sibling.point["drop"]) for sibling in siblings]
    counts = Counter(int(drop / 0.1) for drop in drops)
    assert all(35 < counts[part] < 85 for part in range(5))  # 60 are expected, with a standard deviation of 7


def test_local_search_tries_the_neighbours_of_the_best_point() -> None:
    """One step in one dimension, none twice, and the centre moves to what is better."""
    walk = local.init(SPACE, [START], 0)
    (proposal,), walk = local.ask(walk, one)
    walk = local.tell(walk, proposal.point, 1.0)
    around = neighbours(SPACE, START)
    seen: list[Point] = []
    for _ in range(len(around) - 1):
        (proposal,), walk = local.ask(walk, one)
        assert proposal.origin == "neighbour" and proposal.point in around and proposal.point not in seen
        seen.append(proposal.point)
        walk = local.tell(walk, proposal.point, 1.0)
    assert walk.centre == (START, 1.0)
    (proposal,), walk = local.ask(walk, one)
    walk = local.tell(walk, proposal.point, 0.5)
    assert walk.centre == (proposal.point, 0.5)


def test_local_search_starts_anew_from_a_local_minimum() -> None:
    """At the first new start that is told, however much worse; what the others come to counts only if it is better."""
    walk = local.tell(local.init(SPACE, [], 0), START, 0.0)
    for _ in neighbours(SPACE, START):
        (proposal,), walk = local.ask(walk, one)
        assert proposal.origin == "neighbour"
        late, walk = proposal.point, walk
    (first,), walk = local.ask(walk, one)
    (second,), walk = local.ask(walk, one)
    assert first.origin == second.origin == "restart"
    walk = local.tell(walk, late, 3.0)
    assert walk.centre == (START, 0.0)
    walk = local.tell(walk, second.point, 2.0)
    assert walk.centre == (second.point, 2.0)
    walk = local.tell(walk, first.point, 2.5)
    assert walk.centre == (second.point, 2.0)


def test_neighbours_are_small_steps() -> None:
    """A quarter of a range, the next number, or another word; at an edge there is one way only."""
    near = neighbours(SPACE, {"shape": "small", "rate": 1e-4, "drop": 0.25})
    assert [point["shape"] for point in near] == ["large", "small", "small", "small"]
    assert [float(point["rate"]) for point in near] == pytest.approx([1e-4, 1e-3, 1e-4, 1e-4])
    assert [float(point["drop"]) for point in near] == pytest.approx([0.25, 0.25, 0.125, 0.375])
    assert all(point["shape"] == "small" for point in neighbours(SPACE, START, stackable_only=True))


def test_the_model_goes_where_losses_are_low() -> None:
    """After 60 trials it proposes points near 0.4; before 10 it says nothing."""
    state = told(tpe.SAMPLER, 60)
    drops = []
    for _ in range(20):
        (proposal,), state = tpe.ask(state, one)
        assert proposal.origin == "model"
        drops.append(float(proposal.point["drop"]))
    assert sum(abs(drop - 0.4) < 0.1 for drop in drops) > 12
    assert origins(tpe.SAMPLER, 12) == ["portfolio", *["random"] * 9, *["model"] * 2]


def test_the_model_is_told_what_is_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """As points without a loss; those that the space does not have are left out, and of very many only the best."""
    asked: list[list[tuple[Any, float | None]]] = []

    def suggest(sizes: Any, known: Any, seed: int) -> Any:
        asked.append(known)
        return {"shape": 0, "rate": 0.5, "drop": 0.5}

    monkeypatch.setattr(densities, "suggest", suggest)
    state = random.init(SPACE, [], 0)
    for loss in range(500):
        state = random.tell(state, {**START, "shape": "small" if loss % 2 else "tiny"}, float(loss))
    tpe.ask(replace(state, asked=1, open=(START, {**START, "shape": "tiny"})), one)
    losses = [loss for _, loss in asked[0]]
    assert losses == [*range(1, tpe.BEST, 2), *range(501 - tpe.LATEST, 500, 2), None]
    assert asked[0][-1][0] == {"shape": 0, "rate": pytest.approx(0.5), "drop": pytest.approx(0.2)}


def test_a_value_that_stands_there_twice_keeps_its_weight() -> None:
    """Its places are taken in turn, so that the model sees one value as one kind of evidence with two shares."""
    assert [tpe._number(tpe.Choice(("none", "layer", "none")), "none", turn) for turn in range(4)] == [0, 2, 0, 2]


def test_asking_leaves_the_setting_of_optunas_log_alone() -> None:
    """It belongs to the user's own studies."""
    from optuna import logging

    before = logging.get_verbosity()
    try:
        logging.set_verbosity(logging.DEBUG)
        with warnings.catch_warnings(record=True) as warned:
            tpe.ask(told(tpe.SAMPLER, 12), one)
        assert logging.get_verbosity() == logging.DEBUG and not warned
    finally:
        logging.set_verbosity(before)


def test_mixed_asks_all_of_them_in_turn() -> None:
    """Mutations until the model can speak, then both, with a random point now and then."""
    found = origins(mixed.SAMPLER, 81)
    assert found[0] == "portfolio" and "model" not in found[:10]
    assert Counter(found[17:]) == {"model": 32, "mutation": 24, "random": 8}
