"""Steps of training recorded on a graphics card and played again, since starting their operations takes the longest.

A step of a stack is hundreds of short operations. Each takes the processor some ten microseconds to start and the card
two to run, so that a card waits most of the time. A recorded step (a CUDA graph: Nguyen et al. 2021, "Accelerating
PyTorch with CUDA Graphs") is started as one. `benchmarks/card.py` measures both.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

WARM = 3  # steps as they are before one is recorded: in the first ones libraries choose their ways and take memory

Inputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class _Recording:
    """A recorded step, and the tensors that it reads its inputs from."""

    graph: torch.cuda.CUDAGraph
    inputs: Inputs


class Recorder:
    """Steps of one training on a card, by their shapes.

    What a step computes from, besides its inputs, and what it writes to must stay where it is in memory; numbers that
    Python holds are those of the moment of recording. Whoever changes any of these calls `forget`.
    """

    def __init__(self, device: torch.device, generators: Sequence[torch.Generator]) -> None:
        """Record steps on a card that draw from these generators, which are there."""
        self._device, self._generators = device, generators
        self._recordings: dict[Hashable, _Recording] = {}
        self._seen: dict[Hashable, int] = {}
        self._able = True

    @property
    def recorded(self) -> int:
        """Return how many steps are recorded."""
        return len(self._recordings)

    def forget(self) -> None:
        """Record anew from now on."""
        self._recordings.clear()
        self._seen.clear()

    def step(self, name: Hashable, inputs: Inputs, compute: Callable[[Inputs], None]) -> None:
        """Take the step, as a recording of an equal one where there is one.

        Args:
            name: what besides the shapes of the inputs tells steps apart.
            inputs: what it computes from; tensors on the card.
            compute: the step.
        """
        kind = (name, *((key, tensor.shape, tensor.dtype) for key, tensor in inputs.items()))
        if kind not in self._recordings:
            self._seen[kind] = self._seen.get(kind, 0) + 1
            if not self._able or self._seen[kind] <= WARM:
                compute(inputs)
                return
            with torch.cuda.device(self._device):
                recording = self._record(inputs, compute)
            if recording is None:
                self._able = False
                compute(inputs)
                return
            self._recordings[kind] = recording
        recording = self._recordings[kind]
        for key, tensor in inputs.items():
            recording.inputs[key].copy_(tensor)
        recording.graph.replay()

    def _record(self, inputs: Inputs, compute: Callable[[Inputs], None]) -> _Recording | None:
        """Return a recording, which has not been played; None where there is an operation that cannot be recorded.

        Raises:
            RuntimeError: if the card has too little memory.
        """
        held = {key: tensor.clone() for key, tensor in inputs.items()}
        graph, drawn = torch.cuda.CUDAGraph(), [generator.get_state() for generator in self._generators]
        for generator in self._generators:
            graph.register_generator_state(generator)
        # All recordings of a training share their memory: one of them plays at a time, and leaves nothing in it.
        pool = next((each.graph.pool() for each in self._recordings.values()), None)
        torch.cuda.synchronize()
        current, aside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(current)
        try:
            with torch.cuda.stream(aside):
                graph.capture_begin(pool, capture_error_mode="thread_local")
                try:
                    compute(held)
                finally:
                    graph.capture_end()
        except RuntimeError as error:
            for generator, before in zip(self._generators, drawn, strict=True):
                _begin_again(generator, before)
            if "memory" in str(error):
                raise
            return None
        current.wait_stream(aside)
        return _Recording(graph, held)


def _begin_again(generator: torch.Generator, state: Tensor) -> None:
    """Bring a generator to a state, out of a recording that was broken off, which it would wait for the end of."""
    fresh = torch.Generator(generator.device)
    fresh.set_state(state)
    generator.graphsafe_set_state(fresh.graphsafe_get_state())
