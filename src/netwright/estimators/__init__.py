"""Netwright as scikit-learn's users expect it: classes with `fit` and `predict`, for pipelines and searches."""

from netwright.estimators.classifier import Classifier
from netwright.estimators.regressor import Regressor

__all__ = ["Classifier", "Regressor"]
