"""The environment's variables: remembers which ones the settings ask for, so that a misspelt one can be noticed."""

from __future__ import annotations

from typing import Any

import environ


class Variables(environ.Env):  # type: ignore[misc]  # environ has no types
    """Reads variables as `environ.Env` does; `asked_for` holds their names."""

    asked_for: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.asked_for = set()

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        """Return the value of a variable, and remember its name."""
        self.asked_for.add(var)
        return super().get_value(var, *args, **kwargs)
