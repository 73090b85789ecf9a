"""Figures for Prometheus, in its text format. No coordinates, names or words: counts and ages only."""

from __future__ import annotations

from keepclear.line.view import lines
from keepclear.model.utm import EntityKind
from keepclear.node.node import Node


def metrics_text(node: Node, readers: int) -> str:
    """The figures of one node."""
    now = node.clock.now()
    rows = [
        _figure("keepclear_entries", "entries in the record", "counter", [("", node.size)]),
        _figure("keepclear_streams", "open live streams", "gauge", [("", readers)]),
    ]
    states = [(f'{{line="{line.id}",state="{line.state}"}}', 1) for line in lines(node.state, now)]
    rows.append(_figure("keepclear_line_state", "1 for the state each line is in", "gauge", states))
    ledger = node.state.utm
    kinds = (EntityKind.INTENT, EntityKind.CONSTRAINT, EntityKind.SUBSCRIPTION, EntityKind.AREA)
    entities = [(f'{{kind="{kind}"}}', len(ledger.register(kind))) for kind in kinds]
    rows.append(_figure("keepclear_utm_entities", "what the UTM ledger holds, ended or not", "gauge", entities))
    owed = [("", node.state.owing.count)]
    rows.append(_figure("keepclear_utm_owed", "notifications owed to UTM subscribers", "gauge", owed))
    return "".join(rows)


def _figure(name: str, text: str, kind: str, samples: list[tuple[str, int]]) -> str:
    rows = "".join(f"{name}{labels} {value}\n" for labels, value in samples)
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n{rows}"
