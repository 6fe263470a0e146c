"""The kept elements of one record in an XML file."""

from __future__ import annotations

from collections.abc import Iterator

from integrations.king.xml import names


class Node:
    """An element: its text and its kept child elements, in order."""

    __slots__ = ("children", "is_deleted", "name", "parts")

    def __init__(self, name: str, *, is_deleted: bool = False) -> None:
        self.name = name
        self.is_deleted = is_deleted  # King's own import deletes such an element, so it is skipped
        self.parts: list[str] = []
        self.children: list[Node] = []

    @property
    def text(self) -> str:
        """The element's own text, as King has it; "" where it is only white space between tags."""
        text = "".join(self.parts)
        return "" if text.isspace() else text

    def find(self, path: str) -> Node | None:
        """Return the first element at a path such as A/B."""
        return next(self.all(path), None)

    def all(self, path: str) -> Iterator[Node]:
        """Yield every element at a path, except those marked as deleted."""
        name, _, rest = path.partition("/")
        for child in self.children:
            if child.name == name and not child.is_deleted:
                if rest:
                    yield from child.all(rest)
                else:
                    yield child

    def value(self, *paths: str) -> str:
        """Return the first non-empty text at these paths."""
        for path in paths:
            for node in self.all(path):
                if text := node.text:
                    return text
        return ""

    def is_empty(self) -> bool:
        return not self.text and all(child.is_empty() for child in self.children)


def is_marked_deleted(attributes: dict[str, str]) -> bool:
    return attributes.get(names.ACTION, "").strip().casefold() == names.DELETE
