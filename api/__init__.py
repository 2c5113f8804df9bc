"""The HTTP door of the service: routes of a few lines, and no rule of the programme.

`create_app(settings)` puts it together; gunicorn calls `create_app_from_environment()`. Both are
imported when they are asked for: gunicorn's own process answers nothing and needs neither.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.service import create_app, create_app_from_environment

__all__ = ["create_app", "create_app_from_environment"]


if not TYPE_CHECKING:  # hidden, so that the type checker knows these names and no others

    def __getattr__(name: str) -> object:
        if name in __all__:
            return getattr(importlib.import_module("api.service"), name)
        raise AttributeError(f"module 'api' has no attribute {name!r}")
