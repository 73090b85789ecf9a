"""scipy's k-d tree at every tick of a clock: quick to write, and what lies between two ticks is lost."""

from __future__ import annotations

import numpy as np

from bench.brute import Pairs
from bench.flat import Flat


def pairs(flat: Flat, reach_m: float, tick_s: float) -> Pairs:
    """The pairs of ways nearer than `reach_m` at a tick."""
    from scipy.spatial import cKDTree

    way = np.repeat(np.arange(len(flat)), np.diff(flat.node_from))
    leg = np.flatnonzero(way[:-1] == way[1:])
    begin, end = flat.t_s[leg], flat.t_s[leg + 1]
    order = np.argsort(begin)
    leg, begin, end = leg[order], begin[order], end[order]
    longest = float((end - begin).max())
    found: list[np.ndarray] = []
    for at in np.arange(flat.t_s.min(), flat.t_s.max() + tick_s, tick_s):
        some = slice(*np.searchsorted(begin, (at - longest - 1.0, at), side="right"))
        now = np.flatnonzero(end[some] > at) + some.start
        share = (at - begin[now]) / (end[now] - begin[now])
        places = flat.xyz[leg[now]] + share[:, None] * (flat.xyz[leg[now] + 1] - flat.xyz[leg[now]])
        near = cKDTree(places).query_pairs(reach_m, output_type="ndarray")
        if len(near):
            found.append(way[leg[now]][near])
    if not found:
        return set()
    both = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    return set(zip(both[:, 0].tolist(), both[:, 1].tolist(), strict=True))
