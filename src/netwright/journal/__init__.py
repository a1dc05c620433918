"""The append-only record of a run: what was asked, tried and measured. Report and dashboard read it alone."""

from netwright.journal.record import Journal
from netwright.journal.rows import TrialRecord

__all__ = ["Journal", "TrialRecord"]
