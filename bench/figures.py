"""Draws how time and memory grow with how many there are, from figures already measured."""

from __future__ import annotations

from pathlib import Path

from bench.row import Group

_PARTS = {
    "plans": {"before": "packing", "work": "all pairs"},
    "movers": {"before": "laying fences", "work": "one tick"},
}


def draw(folder: Path, groups: list[Group]) -> list[Path]:
    """One picture for plans and one for movers, as SVG; the same figures give the same bytes."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "keepclear", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    rows = [row for group in groups if group.name == "growth" for row in group.rows]
    for what in sorted({row.figures["what"] for row in rows}):
        picture, axes = pyplot.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
        some = [row.figures for row in rows if row.figures["what"] == what]
        for density in sorted({str(figure["density"]) for figure in some}):
            line = sorted((figure for figure in some if figure["density"] == density), key=lambda figure: figure["n"])
            n = [figure["n"] for figure in line]
            for part, style in (("before", ":"), ("work", "-")):
                label = f"{density}: {_PARTS[what][part]}"
                axes[0].plot(n, [figure[part] for figure in line], style, marker="o", markersize=3, label=label)
            axes[1].plot(n, [figure["bytes"] / 1e6 for figure in line], marker="o", markersize=3, label=density)
            axes[1].plot(n, [figure["found_bytes"] / 1e6 for figure in line], "--", label=f"{density}: what was found")
        for axis, title in zip(axes, ("seconds", "peak memory, MB"), strict=True):
            axis.set(xscale="log", yscale="log", xlabel=what, title=title)
            axis.grid(alpha=0.3)
            axis.legend(fontsize=7)
        path = folder / f"growth-{what}.svg"
        picture.savefig(path, metadata={"Date": None})
        pyplot.close(picture)
        drawn.append(path)
    return drawn
