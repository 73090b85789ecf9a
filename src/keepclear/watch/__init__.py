"""Positions against plans: what reports show, and no more. Pure; on values.

Nothing here says anything of a moment outside the reports, or between two reports further apart than the caller's
`max_gap_s`. Every result carries the ids of the acts it rests on, and `synthetic` where any of them was made up.
"""
