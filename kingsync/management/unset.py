"""The doctor where not even the settings load: the environment itself is what is wrong."""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Mapping, Sequence

# A value of fewer characters may be part of any sentence.
SHORTEST_SECRET = 6
_ASKED = re.compile(r'"([A-Z][A-Z_]+)"')


def require_settings(arguments: Sequence[str]) -> None:
    """End with the doctor's one line, and 1, where the settings do not load; return where they do."""
    from django.conf import settings  # noqa: PLC0415 (after the addresses)

    try:
        _ = settings.INSTALLED_APPS
    except Exception as error:  # noqa: BLE001 - whatever it is, no command can start
        text, todo = explained(error, os.environ), "Correct the environment as .env.example says, then run this again."
        if "--json" in arguments:
            finding = {"state": "wrong", "text": text, "todo": todo, "check": "settings"}
            sys.stdout.write(json.dumps({"state": "wrong", "checks": [finding]}) + "\n")
        else:
            sys.stdout.write(f"{'wrong':<8} settings: {text} — {todo}\n")
        sys.exit(1)


def explained(error: Exception, given: Mapping[str, str]) -> str:
    """Return why the settings did not load, without the value of any variable."""
    lines = [frame.line or "" for frame in traceback.extract_tb(error.__traceback__)]
    asked = [name for line in lines for name in _ASKED.findall(line)]
    where = f"the variable {asked[-1]} cannot be used" if asked else "they cannot be loaded"
    text = str(error).removesuffix(".")
    is_safe = not any(len(value) >= SHORTEST_SECRET and value in text for value in given.values())
    is_ours = type(error).__name__ == "ImproperlyConfigured"
    return text if is_ours and is_safe else f"{where} ({type(error).__name__})"
