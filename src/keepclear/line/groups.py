"""Declared groups. A group is its declarer's own, known by (party, id): nobody can take, split or end another's.

What a group's declarer says of it (its members, that others split from it) counts; what another party declares under
the same id, or of the same vehicles, is that party's group, shown beside it.
"""

from __future__ import annotations

import hashlib
from bisect import insort
from collections.abc import Iterable
from datetime import datetime

from keepclear.line.message import Message
from keepclear.line.state import Declared, GroupKey, State
from keepclear.model.groups import Group

MOST_GROUPS = 200
"""How many groups an author may declare on one line; a declaration beyond them has no effect."""
PAIR = "|"
SLASH = "/"
LONGEST_NAMED = 64
"""Letters: the room that the name of a group has in the key of a finding."""


def file_group(state: State, message: Message, group: Group) -> set[GroupKey]:
    """Take a declaration into the registers; the groups it concerns. To be called by `apply` only.

    An author's declarations stand in the order of its chain; those of two lines in order of the time said, so that
    every node finds the same one last.
    """
    key = (message.author, group.id)
    of_chain = state.declared_ids.setdefault((message.line, message.author), set())
    if group.id not in of_chain and len(of_chain) >= MOST_GROUPS:
        return set()
    of_chain.add(group.id)
    held = state.groups.setdefault(key, [])
    before = held[-1] if held else None
    said_at = max([message.said_at, *(each.order[0] for each in held if each.message.line == message.line)])
    insort(held, Declared(group, message, (said_at, message.line, message.seq)), key=lambda each: each.order)
    state.groups_named.setdefault(group.id, {})[key] = None
    if group.plan is not None:
        state.followers.setdefault(group.plan, {})[key] = None
    now = held[-1]
    concerned = {key, *state.parts.get(key, ())}
    if before is not None:
        for asset in assets(before.group):
            state.groups_with[asset].pop(key, None)
        concerned |= _leave(state, key, before.group)
    for asset in assets(now.group):
        state.groups_with.setdefault(asset, {})[key] = None
    if now.group.split_from is not None:
        parent = (key[0], now.group.split_from)
        state.parts.setdefault(parent, {})[key] = None
        concerned.add(parent)
    return concerned & state.groups.keys()


def _leave(state: State, key: GroupKey, before: Group) -> set[GroupKey]:
    if before.split_from is None:
        return set()
    parent = (key[0], before.split_from)
    state.parts[parent].pop(key, None)
    return {parent}


def too_many(state: State, message: Message, group_id: str) -> bool:
    """Whether a declaration is one of more groups than an author may declare on a line."""
    of_chain = state.declared_ids.get((message.line, message.author), set())
    return group_id not in of_chain and len(of_chain) >= MOST_GROUPS


def name_of(key: GroupKey) -> str:
    """A group as the agenda names it: `party/id`."""
    return SLASH.join(key)


def key_of(name: str) -> GroupKey:
    """The group that the agenda names so."""
    author, _, group_id = name.partition(SLASH)
    return author, group_id


def named(key: GroupKey) -> str:
    """A group in the key of a finding: `party/id`, or, where that is long, its beginning and a hash of it."""
    text = name_of(key)
    if len(text) <= LONGEST_NAMED:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: LONGEST_NAMED - len(digest) - 1]}~{digest}"


def declarations(state: State, key: GroupKey) -> list[Declared]:
    """Every declaration of a group, in its declarer's order."""
    return state.groups.get(key, [])


def declared(state: State, key: GroupKey) -> Declared | None:
    """A group as last declared; None if it never was."""
    found = state.groups.get(key)
    return found[-1] if found else None


def named_groups(state: State, group_id: str) -> list[GroupKey]:
    """The groups of all parties under one id, in the order all nodes find alike."""
    return sorted(state.groups_named.get(group_id, ()))


def offspring(state: State, key: GroupKey) -> list[Declared]:
    """The groups that a group's declarer says have split from it, in order of their ids."""
    return [state.groups[part][-1] for part in sorted(state.parts.get(key, ())) if part != key]


def dissolved_at(state: State, key: GroupKey) -> datetime | None:
    """When a group ceased to be: all its members are in groups that its declarer says split from it."""
    own = declared(state, key)
    parts = offspring(state, key)
    if own is None or not parts:
        return None
    gone = {member.asset for part in parts for member in part.group.members}
    if any(member.asset not in gone for member in own.group.members):
        return None
    return max(part.message.at for part in parts)


def assets(group: Group) -> set[str]:
    """The members' asset ids."""
    return {member.asset for member in group.members}


def may_meet(state: State, one: GroupKey, other: GroupKey) -> bool:
    """Whether two groups can meet. Not if either is dissolved, or if they are the same vehicles told twice.

    Groups of one declarer do not meet either if they share a member, or split from one another or from one group.
    Another party's word that it has the same vehicles hides no meeting.
    """
    first, second = declared(state, one), declared(state, other)
    if first is None or second is None or one == other:
        return False
    if dissolved_at(state, one) is not None or dissolved_at(state, other) is not None:
        return False
    if one[0] != other[0]:
        return assets(first.group) != assets(second.group)
    kin = {first.group.split_from, one[1]} & {second.group.split_from, other[1]} - {None}
    return not kin and not assets(first.group) & assets(second.group)


def apart(one: Group, other: Group) -> tuple[set[str], set[str]]:
    """The vehicles of two groups between which a meeting is looked for: nothing meets itself."""
    mine, theirs = assets(one), assets(other)
    return (mine, theirs - mine) if theirs - mine else (mine - theirs, theirs)


def is_reported(state: State, key: GroupKey) -> bool:
    """Whether any member of a group was ever reported."""
    own = declared(state, key)
    return own is not None and any(member.asset in state.histories for member in own.group.members)


def pair_name(one: GroupKey, other: GroupKey) -> str:
    """Two groups as the agenda names them, the same whichever is first."""
    return PAIR.join(sorted((name_of(one), name_of(other))))


def pair_of(name: str) -> tuple[GroupKey, GroupKey]:
    """The two groups that the agenda names so."""
    one, _, other = name.partition(PAIR)
    return key_of(one), key_of(other)


def concerned_by(state: State, group_ids: Iterable[str]) -> list[GroupKey]:
    """The groups of all parties under any of these ids."""
    return [key for group_id in group_ids for key in named_groups(state, group_id)]
