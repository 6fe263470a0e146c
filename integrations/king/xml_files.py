"""King's XML export files, read as a stream: each record becomes the JSON that King's read gateway would give."""

from __future__ import annotations

import msgspec

from integrations.king.records import Kind


class XmlFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file. `key` is what the caller calls it in marks and errors: no colon in it.

    `digest` is the sha-256 of the content that is meant; a file that holds something else now is refused.
    """

    key: str
    name: str
    path: str
    kind: Kind
    digest: str = ""
