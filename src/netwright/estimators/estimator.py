"""What a classifier and a regressor share: their settings, how they are fitted, and how they are kept."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from netwright.estimators.inputs import Learnt, table_of
from netwright.export.forms import export_model
from netwright.model import Model, load

if TYPE_CHECKING:
    from netwright.export.parity import Parity

LARGEST_SEED = 2**31 - 1
TOGETHER = (
    4  # rows, of which a multiple is asked for: products of fewer are summed in another order, to other last bits
)


class Estimator(BaseEstimator):
    """The settings of `netwright.fit` as scikit-learn has them: stored as they are, looked at when it is fitted."""

    model_: Model

    def __init__(
        self,
        *,
        time: str | float | None = "60s",
        trials: int | None = None,
        metric: str = "auto",
        search: str = "auto",
        kinds: Mapping[str, str] | None = None,
        pretrained: str | Path = "auto",
        single: bool = False,
        max_latency: str | None = None,
        max_size: str | None = None,
        device: str = "auto",
        memory: str | float | None = None,
        workers: int | None = None,
        cluster: str | None = None,
        out: str | Path | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.time = time
        self.trials = trials
        self.metric = metric
        self.search = search
        self.kinds = kinds
        self.pretrained = pretrained
        self.single = single
        self.max_latency = max_latency
        self.max_size = max_size
        self.device = device
        self.memory = memory
        self.workers = workers
        self.cluster = cluster
        self.out = out
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn may expect: missing cells and texts are read, and a time limit repeats nothing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.non_deterministic = self.trials is None
        return tags

    def save(self, path: str | Path) -> None:
        """Write the model as one file, which `netwright.load` and every command read.

        Raises:
            NotFittedError: if there is none yet.
            OutputError: if it cannot be written there.
        """
        check_is_fitted(self, "model_")
        self.model_.save(Path(path))

    def export(self, to: str, out: str | Path) -> Parity:
        """Write the model in a form that runs without Netwright: see `netwright.export_model`.

        Raises:
            NotFittedError: if there is no model yet.
            UnknownExport: if there is no such form.
            OutputError: if it cannot be written there.
        """
        check_is_fitted(self, "model_")
        return export_model(self.model_, to, out)

    def _learn(self, learnt: Learnt) -> None:
        """Fit a model, and keep it as its file has it, so that a copy by way of that file answers alike."""
        from netwright import api  # PyTorch, which an estimator that was fitted before does without

        with tempfile.TemporaryDirectory(prefix="netwright-") as temporary:
            run = api.fit(
                learnt.table,
                learnt.target,
                time=self.time if self.time is None or isinstance(self.time, str) else float(self.time),
                task=learnt.task,
                metric=self.metric,
                out=temporary if self.out is None else self.out,
                search=self.search,
                seed=self._seed(),
                trials=None if self.trials is None else int(self.trials),
                kinds={**learnt.kinds, **(self.kinds or {})},
                group=learnt.groups,
                pretrained=self.pretrained,
                single=bool(self.single),
                max_latency=self.max_latency,
                max_size=self.max_size,
                fresh=True,  # who calls `fit` again begins anew
                device=self.device,
                memory=self.memory,
                workers=None if self.workers is None else int(self.workers),
                cluster=self.cluster,
            )
            self.model_ = load(run.bundle)
        self._columns = [str(name) for name in learnt.table.columns if name not in (learnt.target, learnt.groups)]

    def _seed(self) -> int:
        """Return the seed that `random_state` stands for; of a generator or NumPy's own, one that it draws."""
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(LARGEST_SEED))

    def _answers(self, inputs: Any) -> Any:
        """Return what the model answers for inputs (N, F); each row's hangs on that row alone, or on its sentence."""
        check_is_fitted(self, "model_")
        table = table_of(self, inputs, reset=False).set_axis(self._columns, axis=1)
        rows = len(table)
        if rows % TOGETHER and self.model_.task.sequences is None:  # one token more would be a neighbour of the others
            table = pd.concat([table, *[table.iloc[-1:]] * (-rows % TOGETHER)], ignore_index=True)
        return self.model_.answers(table)[:rows]

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the settings as they are, the model as the bytes of its file."""
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = _as_bytes(state["model_"])
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take what was pickled; the model goes through the checks of `netwright.load`.

        Raises:
            BundleError: if its bytes are damaged or hostile.
        """
        model = {"model_": _of_bytes(state["model_"])} if "model_" in state else {}
        super().__setstate__({**state, **model})


def _as_bytes(model: Model) -> bytes:
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        path = Path(folder, "model.nw")
        model.save(path)
        return path.read_bytes()


def _of_bytes(content: bytes) -> Model:
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        path = Path(folder, "model.nw")
        path.write_bytes(content)
        return load(path)
