"""The peer listener: only what nodes say to each other. What it means is in `keepclear.node.peers`.

Nothing here is believed for the caller's sake: every request is signed by an enrolled node, every act by its author
besides. So there is no token, and a flood is met by a token bucket for each address before anything is read.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Litestar, Request, Response, post

from keepclear.node.node import Node
from keepclear.node.peers import handle_checkpoint, handle_pull, handle_push
from keepclear.server.bucket import Buckets
from keepclear.server.problems import encoded, language, problem
from keepclear.server.refusals import HANDLERS

MAX_BODY_BYTES = 2 * 2**20
BURST = 200
PER_S = 50


def peer_app(node: Node, buckets: Buckets | None = None, clock_s: Callable[[], float] = time.monotonic) -> Litestar:
    """The application behind the peer listener."""
    held = buckets or Buckets(burst=BURST, per_s=PER_S)

    async def limit(request: Request[Any, Any, Any]) -> Response[bytes] | None:
        address = request.client.host if request.client else ""
        if held.take(address, clock_s()):
            return None
        lang = language(request.headers.get("accept-language"))
        body = encoded(problem(429, "too_many", "too many requests from this address", lang))
        headers = {"retry-after": str(max(1, round(held.wait_s(address))))}
        return Response(body, status_code=429, media_type="application/problem+json", headers=headers)

    async def answer(
        request: Request[Any, Any, Any], handle: Callable[[Node, bytes], Awaitable[bytes]]
    ) -> Response[bytes]:
        return Response(await handle(node, await request.body()), media_type="application/json")

    @post("/peer/v1/acts", status_code=200)
    async def acts(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await answer(request, handle_push)

    @post("/peer/v1/pull", status_code=200)
    async def pull(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await answer(request, handle_pull)

    @post("/peer/v1/checkpoint", status_code=200)
    async def checkpoint(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await answer(request, handle_checkpoint)

    return Litestar(
        [acts, pull, checkpoint],
        before_request=limit,
        exception_handlers=HANDLERS,  # type: ignore[arg-type]
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )
