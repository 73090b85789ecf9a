"""The commands' side of a running node's local API: one connection, typed answers, refusals raised again as errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from keepclear.errors import (
    Forged,
    Forked,
    KeepclearError,
    Malformed,
    NotNow,
    OutOfOrder,
    Refused,
    StoreFailed,
)
from keepclear.server.problems import NoSuch, NotYours, Problem

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_KINDS: dict[str, type[Refused]] = {
    kind.code: kind for kind in (Malformed, Forged, Forked, NotNow, NoSuch, NotYours, Refused)
}
_BY_STATUS: dict[int, type[Refused]] = {400: Malformed, 403: Forged, 404: NoSuch, 409: NotNow}


class NoAnswer(KeepclearError):
    """The node in this folder does not answer: it is not running, or not well. `phrase` says so in `values`."""

    def __init__(self, phrase: str, **values: object) -> None:
        super().__init__(f"{phrase}: {values}")
        self.phrase = phrase
        self.values = values


class Lost(NoAnswer):
    """The connection broke before the answer was here: whether the node heard is not known."""


class Caller:
    """Talks to the node at `url` with its token; answers and refusals come in `lang`."""

    def __init__(self, url: str, token: str, lang: str) -> None:
        import httpx  # Here, so that commands that speak to no node start quickly.

        headers = {"authorization": f"Bearer {token}", "accept-language": lang}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=30.0, trust_env=False)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def get(self, path: str, kind: type[T], **parameters: object) -> T:
        """Ask for something; parameters that are None are left out."""
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        answer: T = msgspec.json.decode(self._ask("GET", path, parameters=given), type=kind)
        return answer

    def get_bytes(self, path: str, **parameters: object) -> bytes:
        """Ask for bytes."""
        return self._ask("GET", path, parameters={name: str(value) for name, value in parameters.items()})

    def post(self, path: str, body: object, kind: type[T]) -> T:
        """Say something under a draft of its own: if the connection is lost it is sent once more, and said once."""
        content = msgspec.json.encode(body)
        try:
            found = self._ask("POST", path, body=content)
        except Lost:
            found = self._ask("POST", path, body=content)
        answer: T = msgspec.json.decode(found, type=kind)
        return answer

    def _ask(
        self, method: str, path: str, parameters: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> bytes:
        import httpx

        headers = {"content-type": "application/json"} if body is not None else {}
        try:
            answer = self._http.request(method, path, params=parameters, content=body, headers=headers)
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            raise Lost("no_answer", why=error) from None
        except httpx.HTTPError as error:
            raise NoAnswer("no_answer", why=error) from None
        if answer.status_code >= 400:
            raise _refusal(answer)
        return answer.content


def _refusal(answer: httpx.Response) -> KeepclearError:
    try:
        fault = msgspec.json.decode(answer.content, type=Problem).error
    except msgspec.MsgspecError:
        return NoAnswer("not_a_node", status=answer.status_code)
    if answer.status_code == 503:
        return StoreFailed(fault.message)
    if answer.status_code >= 500:
        return NoAnswer("no_answer", why=fault.message)
    if fault.code == OutOfOrder.code:
        return OutOfOrder(fault.message, need_seq=int(fault.values.get("need_seq", 0)), field=fault.field)
    kind = _KINDS.get(fault.code, _BY_STATUS.get(answer.status_code, Refused))
    values = {name: value for name, value in fault.values.items() if name not in ("message", "field", "code")}
    return kind(fault.message, field=fault.field, code=fault.code, **values)


def folder_url(directory: Path) -> str:
    """Where the node of this folder listens for its own people, as it wrote when it started; NoAnswer if it did not."""
    try:
        return (directory / "local-url").read_text().strip()
    except OSError:
        raise NoAnswer("not_running", directory=directory) from None


def folder_token(directory: Path) -> str:
    """What a local caller must show to the node of this folder."""
    try:
        return (directory / "token").read_text().strip()
    except OSError as error:
        raise NoAnswer("no_token_file", file=directory / "token", why=error.strerror) from None
