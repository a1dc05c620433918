"""The registry of samplers: one line each."""

from importlib.util import find_spec

from netwright.errors import MissingExtra, UnknownSearch
from netwright.search import evolution, local, mixed, random, tpe
from netwright.search.sampler import Proposal, Sampler

SAMPLERS: dict[str, Sampler] = {
    sampler.name: sampler
    for sampler in (
        evolution.SAMPLER,
        local.SAMPLER,
        mixed.SAMPLER,
        random.SAMPLER,
        tpe.SAMPLER,
    )
}
DEFAULT = "evolution"


def find_sampler(name: str) -> Sampler:
    """Return the sampler by name; `auto` is the default.

    Raises:
        UnknownSearch: if there is none of that name.
        MissingExtra: if a package that it needs is not installed.
    """
    name = DEFAULT if name == "auto" else name
    if name not in SAMPLERS:
        raise UnknownSearch(name, tuple(SAMPLERS))
    for package in SAMPLERS[name].needs:
        if find_spec(package) is None:
            raise MissingExtra(package, "train")
    return SAMPLERS[name]


__all__ = ["DEFAULT", "SAMPLERS", "Proposal", "Sampler", "find_sampler"]
