"""The family tree of errors.

    KeepclearError
    ├── Refused              an input was not accepted; nothing changed
    │   ├── Malformed        it could not be read: a field is missing, out of range, too large
    │   ├── Forged           a signature does not verify, or the signer may not say this
    │   ├── OutOfOrder       an author's act came before the one it follows (ask again from `need_seq`)
    │   ├── Forked           an author said two different things under one sequence number
    │   └── NotNow           well formed and signed, but the rules of the line do not allow it in this state
    ├── BrokenRecord         an export or a store does not prove itself
    ├── StoreFailed          bytes could not be kept or read back
    │   ├── NodeStopped      the node takes nothing more; it must be started again
    │   ├── StoreUnusable    a store cannot be opened
    │   ├── StoreLost        a shared store was lost while it kept something: kept whole, or not at all
    │   └── StoreTooOld      the SQLite library is one that can lose data
    └── PeerUnreachable      another node gave no usable answer; it will be asked again
        └── CallFailed       a UTM service gave none

Every message is one sentence for the person at the desk. `code` and `values` say the same thing to a program, and are
what `keepclear.phrases` turns into Arabic or English.
"""

from __future__ import annotations


class KeepclearError(Exception):
    """The root of everything keepclear raises on purpose."""


class Refused(KeepclearError):
    """An input was not accepted; nothing changed.

    `field` names the part of the input at fault (dotted path, "" if it is the whole), `code` is a stable word for
    programs, `values` are the figures a sentence about it needs.
    """

    code = "refused"

    def __init__(self, message: str, *, field: str = "", code: str | None = None, **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code or type(self).code
        self.values = values

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Malformed(Refused):
    """It could not be read: a field is missing, of the wrong kind, out of range, or too large."""

    code = "malformed"


class Forged(Refused):
    """A signature does not verify, the key is unknown, or the signer may not speak for this author."""

    code = "forged"


class OutOfOrder(Refused):
    """An author's act arrived before the one it follows; `need_seq` is the first one missing."""

    code = "out_of_order"

    def __init__(self, message: str, *, need_seq: int, field: str = "seq") -> None:
        super().__init__(message, field=field, need_seq=need_seq)
        self.need_seq = need_seq


class Forked(Refused):
    """An author signed two different acts under one sequence number: evidence of a split story."""

    code = "forked"


class NotNow(Refused):
    """Well formed and signed, but the rules of the line do not allow it in this state."""

    code = "not_now"


class BrokenRecord(KeepclearError):
    """An export or a store does not prove itself. `where` is the file or entry, `why` the first thing found wrong.

    `code` ("" if it has none) and `values` say the same; `entry` among them is the number of the entry `where` names.
    """

    def __init__(self, where: str, why: str, *, code: str = "", **values: object) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why
        self.code = code
        self.values = values

    @classmethod
    def of(cls, where: str, error: Refused, **values: object) -> BrokenRecord:
        """What was refused there breaks the record; its code, field and values go along."""
        return cls(where, str(error), code=error.code, **{**error.values, "field": error.field, **values})


class StoreFailed(KeepclearError):
    """Bytes could not be kept or read back; nothing that was answered before is affected."""


class NodeStopped(StoreFailed):
    """The node takes nothing more, and why; it must be started again. What was answered before is on disk."""

    def __init__(self, why: str) -> None:
        super().__init__(f"this node has stopped: {why}")
        self.why = why


class StoreUnusable(StoreFailed):
    """A store cannot be opened, and why."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the record cannot be opened: {why}")
        self.why = why


class StoreLost(StoreFailed):
    """A shared store was lost while it was asked to keep something, which it then has whole or not at all.

    Whoever can read it again can see which.
    """


class StoreTooOld(StoreFailed):
    """The SQLite library is one that can lose committed data (the WAL-reset fault, before 3.51.3)."""


class PeerUnreachable(KeepclearError):
    """Another node gave no usable answer in time. What was to be said stays queued; it will be asked again."""


class CallFailed(PeerUnreachable):
    """A UTM service gave no usable answer, and why (`code`). `sent`: whether the request may have reached it."""

    def __init__(self, message: str, code: str, *, sent: bool, host: str) -> None:
        super().__init__(message)
        self.code = code
        self.sent = sent
        self.host = host
