"""Scalable Vector Graphics, as far as the picture of a plan needs them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self
from xml.etree import ElementTree as ET

Number = int | float

NAMESPACE = "http://www.w3.org/2000/svg"


@dataclass(frozen=True)
class Drawing:
    """A group of shapes; lengths in pixels, x to the right and y down.

    Attribute names are those of SVG with `_` for `-`; a trailing `_` avoids a Python keyword.
    """

    node: ET.Element = field(default_factory=lambda: ET.Element("g"))

    @classmethod
    def page(
        cls, width: Number, height: Number, *, title: str, description: str, style: str
    ) -> Self:
        """A picture of its own, with what a screen reader says of it."""
        page = cls(ET.Element("svg", xmlns=NAMESPACE))
        page.node.attrib |= {
            "viewBox": f"0 0 {_short(width)} {_short(height)}",
            "width": _short(width),
            "height": _short(height),
            "role": "img",
            "lang": "ja",
            "aria-labelledby": "title description",
        }
        page._add("title", title, id="title")
        page._add("desc", description, id="description")
        page._add("style", style)
        return page

    def group(self, *, title: str | None = None, **attributes: str) -> Drawing:
        """Open a group; its title appears where a pointer rests on one of its shapes."""
        group = Drawing(self._add("g", None, **attributes))
        if title is not None:
            group._add("title", title)
        return group

    def rectangle(
        self, x: Number, y: Number, width: Number, height: Number, **attributes: Number | str
    ) -> None:
        """Draw a rectangle with its upper left corner at (x, y)."""
        self._add("rect", None, x=x, y=y, width=width, height=height, **attributes)

    def line(
        self, x1: Number, y1: Number, x2: Number, y2: Number, **attributes: Number | str
    ) -> None:
        """Draw a straight line."""
        self._add("line", None, x1=x1, y1=y1, x2=x2, y2=y2, **attributes)

    def circle(self, x: Number, y: Number, radius: Number, **attributes: Number | str) -> None:
        """Draw a circle around (x, y)."""
        self._add("circle", None, cx=x, cy=y, r=radius, **attributes)

    def polyline(self, points: Iterable[tuple[Number, Number]], **attributes: Number | str) -> None:
        """Draw straight lines from each point to the next."""
        path = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
        self._add("polyline", None, points=path, **attributes)

    def text(self, x: Number, y: Number, words: str, **attributes: Number | str) -> None:
        """Write words with their baseline at y."""
        self._add("text", words, x=x, y=y, **attributes)

    def to_bytes(self) -> bytes:
        """Write the drawing as UTF-8 XML, the same bytes for the same drawing."""
        ET.indent(self.node, space=" ")
        content: bytes = ET.tostring(self.node, encoding="utf-8", xml_declaration=True)
        return content + b"\n"

    def _add(self, tag: str, words: str | None, **attributes: Number | str) -> ET.Element:
        named = {
            name.rstrip("_").replace("_", "-"): value if isinstance(value, str) else _short(value)
            for name, value in attributes.items()
        }
        node = ET.SubElement(self.node, tag, named)
        node.text = words
        return node


def _short(number: Number) -> str:
    return f"{number:.1f}".removesuffix(".0")
