"""Workers that train in the place of the driver: processes of this machine, or actors of a Ray cluster.

The search, the record and the budget stay in the driver. A worker is told one thing at a time and answers it; it keeps
nothing that the driver does not have, so that its loss costs a training a few seconds and nobody anything else.
"""
