"""One record of an XML file, as far as it is kept."""

from __future__ import annotations

from collections.abc import Iterator

from integrations.king.xml import names


class Node:
    """An element: its text and the elements in it that are kept, in their order."""

    __slots__ = ("children", "is_deleted", "name", "parts")

    def __init__(self, name: str, *, is_deleted: bool = False) -> None:
        self.name = name
        self.is_deleted = is_deleted  # King's own import takes such an element away, so it is none of ours
        self.parts: list[str] = []
        self.children: list[Node] = []

    @property
    def text(self) -> str:
        """The element's own text, as King has it; "" where it is only white space between tags."""
        text = "".join(self.parts)
        return "" if text.isspace() else text

    def find(self, path: str) -> Node | None:
        """This function will give the first element at a path such as A/B."""
        return next(self.all(path), None)

    def all(self, path: str) -> Iterator[Node]:
        """This function will give every element at a path, without those that are marked as deleted."""
        name, _, rest = path.partition("/")
        for child in self.children:
            if child.name == name and not child.is_deleted:
                if rest:
                    yield from child.all(rest)
                else:
                    yield child

    def value(self, *paths: str) -> str:
        """This function will give the first text at these paths that is not empty."""
        for path in paths:
            for node in self.all(path):
                if text := node.text:
                    return text
        return ""

    def is_empty(self) -> bool:
        return not self.text and all(child.is_empty() for child in self.children)


def is_marked_deleted(attributes: dict[str, str]) -> bool:
    return attributes.get(names.ACTION, "").strip().casefold() == names.DELETE
