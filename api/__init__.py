"""The HTTP door of the service: routes of a few lines, and no rule of the programme.

`create_app(settings)` puts it together; gunicorn calls `create_app_from_environment()`.
"""

from __future__ import annotations

from api.service import create_app, create_app_from_environment

__all__ = ["create_app", "create_app_from_environment"]
