"""Keys of a development machine: generated once, kept in a git-ignored folder, readable by their owner only."""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Keys:
    secret_key: str
    encryption_key: str


def load_or_create(folder: Path) -> Keys:
    """Return the keys in `folder`/keys.json, generated on first use. Safe when several processes start at once."""
    path = folder / "keys.json"
    if not path.exists():
        _create(path)
    return Keys(**json.loads(path.read_text()))


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Keys(secrets.token_urlsafe(50), base64.urlsafe_b64encode(os.urandom(32)).decode())
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(made), file)
    try:
        os.link(name, path)  # fails when another process was first: its keys are used
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
