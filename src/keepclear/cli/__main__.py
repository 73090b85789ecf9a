"""`python -m keepclear.cli`: the same as the command `keepclear`."""

from __future__ import annotations

from keepclear.cli import main

main()
