"""The OpenAPI document and the page that shows it, without anything from outside."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import cast

from flask import Blueprint, Response, current_app, jsonify, send_from_directory
from flask_openapi3.openapi import OpenAPI

blueprint = Blueprint("documentation", __name__)

_SWAGGER = Path(str(files("flask_openapi3_swagger"))) / "templates" / "swagger"

_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Expert dispatch: the API</title>
<link rel="icon" href="/docs/assets/images/swagger.svg">
<link rel="stylesheet" href="/docs/assets/css/swagger-ui.css">
<div id="page"></div>
<script src="/docs/assets/js/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""

_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#page", deepLinking: true, tryItOutEnabled: true,
  validatorUrl: null, persistAuthorization: false, docExpansion: "list",
});
"""

_ROBOTS = """User-agent: *
Allow: /calendars/
Disallow: /v1/
"""

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Swagger UI sets style attributes; apart from these everything comes from this service."""


@blueprint.get("/openapi.json")
def document() -> Response:
    """Answer the OpenAPI 3.1 document."""
    return jsonify(cast(OpenAPI, current_app).api_doc)


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Let programs that ask first fetch calendars; the rest is no pages to be found."""
    return Response(_ROBOTS, mimetype="text/plain")


@blueprint.get("/docs")
def page() -> Response:
    """Show the document to people."""
    response = Response(_PAGE, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
    return response


@blueprint.get("/docs/start.js")
def start() -> Response:
    """Start Swagger UI."""
    return Response(_START, mimetype="text/javascript")


@blueprint.get("/docs/assets/<path:name>")
def asset(name: str) -> Response:
    """Give out the files of Swagger UI, which pip has installed."""
    return send_from_directory(_SWAGGER, name, max_age=86400)
