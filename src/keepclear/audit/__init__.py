"""Bulk audit of history: every conflict and encounter in months of tracks, slice by slice of time.

A slice of time is one piece of work and the unit of restart. Only its bounds travel to whoever does it; rows are read
where they are needed, findings come back. No leg of a track is cut at a bound: of every pair of legs the slice in which
the later of the two begins speaks, so the answer does not depend on where the bounds are.
"""
