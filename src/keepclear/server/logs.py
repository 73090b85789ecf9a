"""Logs: one JSON object a line on standard error. They carry ids, codes and counts, never coordinates or words."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up_logs(level: int = logging.INFO) -> None:
    """Send the logs of this process to standard error. What is said on the line is in the record, not here."""
    logging.basicConfig(stream=sys.stderr, level=max(level, logging.WARNING), format="%(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_to_standard_error,
    )


def _to_standard_error(*_: object) -> structlog.WriteLogger:
    """What writes to standard error as it is now: it may have been put elsewhere since the logs were set up."""
    return structlog.WriteLogger(sys.stderr)
