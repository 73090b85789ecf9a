"""The command that signs an access token for UTM services with a node's development key."""

from __future__ import annotations

from typing import Annotated

import typer

from keepclear.cli.keep import Folder, open_folder
from keepclear.cli.options import given
from keepclear.errors import Malformed

LONGEST = 200


@given(open_folder)
def utm_token(
    folder: Folder,
    sub: Annotated[str, typer.Option("--sub", help="option.sub", show_default=False)],
    audience: Annotated[str, typer.Option("--audience", help="option.audience", show_default=False)],
    scope: Annotated[list[str] | None, typer.Option("--scope", help="option.scope", show_default=False)] = None,
) -> None:
    """Print an access token for UTM services, signed with the node's development key; it lasts for an hour."""
    from keepclear.node.access_tokens import LONGEST_S, access_claims, development_key
    from keepclear.node.clock import SystemClock
    from keepclear.node.home import open_home
    from keepclear.server.f3548.issuer import ISSUER

    scopes = [word for each in scope or () for word in each.split(" ") if word]
    for name, text in (("sub", sub), ("audience", audience), *(("scope", word) for word in scopes)):
        if not 1 <= len(text) <= LONGEST or not text.isprintable() or text != text.strip():
            message = f"1 to {LONGEST} printable characters, without space around them"
            raise Malformed(message, field=name, code="utm_token_text", most=LONGEST)
    home = open_home(folder.directory)
    now = SystemClock().now()
    claims = access_claims(sub, audience, scopes, ISSUER, now, int(now.timestamp()) + LONGEST_S)
    token = development_key(home.directory).sign(claims)
    if folder.speaker.as_json:
        folder.speaker.json({"access_token": token, "expires_in": LONGEST_S})
    folder.speaker.line(token)
    folder.speaker.warn("utm_token", sub=sub, audience=audience)


COMMANDS = {"utm-token": utm_token}
