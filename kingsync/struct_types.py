"""msgspec's structs, before threads meet them.

msgspec works a type out when it meets it for the first time. Two threads that do so at once crash the whole process
(seen with 0.22.0: the second one uses what the first has only begun).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec


def work_out() -> None:
    """Let msgspec work out all structs that are defined by now, which takes a hundredth of a second."""
    for each in defined(msgspec.Struct):
        with contextlib.suppress(TypeError):  # what it cannot work out, it refuses wherever that is used
            msgspec.json.Decoder(each)


def defined(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """Yield the structs that are defined below this one."""
    for each in struct.__subclasses__():
        yield each
        yield from defined(each)
