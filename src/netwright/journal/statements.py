"""What is asked of a record, and written to it, in SQL."""

from __future__ import annotations

# A column of SQLite may hold anything, whatever it was declared as. Where there should be a number, all else is an
# empty text here: what is none is not read, so it takes neither time nor room, and is refused with the rest of its row.
CURVES = """
SELECT trial, seconds, epoch, loss FROM (
    SELECT place, trial, seconds, epoch, loss,
        row_number() OVER (PARTITION BY trial ORDER BY place DESC) - 1 AS back,
        count(*) OVER (PARTITION BY trial) AS total
    FROM (
        SELECT rowid AS place,
            iif(typeof(trial) = 'integer', trial, '') AS trial,
            iif(typeof(seconds) = 'real', seconds, '') AS seconds,
            iif(typeof(epoch) = 'integer', epoch, '') AS epoch,
            iif(typeof(loss) IN ('real', 'null'), loss, '') AS loss
        FROM epoch ORDER BY rowid DESC LIMIT :epochs
    )
) WHERE back % ((total + :most - 1) / :most) = 0 ORDER BY place
"""
TRIALS = """
SELECT trial, name, origin, candidate, parameters, started, status, reason, score, loss, duration
FROM trial ORDER BY trial LIMIT :most
"""
BESTS = "SELECT seconds, score, loss, members FROM best ORDER BY rowid DESC LIMIT :most"
EVENTS = "SELECT CAST(body AS TEXT) FROM event WHERE kind = :kind ORDER BY rowid DESC LIMIT 1"
LOST = "SELECT CAST(body AS TEXT) FROM event WHERE kind = 'lost' ORDER BY rowid LIMIT :most"
SEARCH = "SELECT kind, body FROM search ORDER BY step LIMIT :most"
SPENT = """
SELECT max(latest) FROM (
    SELECT max(iif(typeof(seconds) = 'real', seconds, '')) AS latest FROM event
    UNION ALL SELECT max(iif(typeof(seconds) = 'real', seconds, '')) FROM epoch
    UNION ALL SELECT max(iif(typeof(seconds) = 'real', seconds, '')) FROM best
    UNION ALL SELECT max(iif(typeof(started) = 'real', started, '')) FROM trial
)
"""  # a text is greater than any number
STATUSES = "SELECT DISTINCT status FROM trial LIMIT :most"
GAVE_UP = "SELECT kind, body FROM event WHERE kind IN ('gave up', 'resumed') ORDER BY rowid DESC LIMIT 1"
LAST = "SELECT kind FROM event WHERE kind IN ('started', 'resumed', 'finished') ORDER BY rowid DESC LIMIT :most"
STARTED = "INSERT OR REPLACE INTO trial (trial, name, origin, candidate, parameters, started) VALUES (?, ?, ?, ?, ?, ?)"
EPOCH = "INSERT INTO epoch VALUES (?, ?, ?, ?)"
FINISHED = "UPDATE trial SET status = 'finished', score = ?, loss = ?, duration = ? WHERE trial = ?"
FAILED = "UPDATE trial SET status = 'failed', reason = ? WHERE trial = ?"
