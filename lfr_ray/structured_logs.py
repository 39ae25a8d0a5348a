"""What processes say of themselves: one line of JSON an event on stderr, with its time and level; never of a person.

On a terminal the same is written for people. Standard output belongs to results.
"""

from __future__ import annotations

import sys

import structlog

structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
    ],
    logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
)

get_logger = structlog.get_logger
