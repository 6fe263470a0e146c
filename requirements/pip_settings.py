"""What pip is configured with, as the variables of uv: index, certificates, proxy (pip.conf, pip's own variables).

`eval "$(python requirements/pip_settings.py)"` in a shell exports them; a variable that is set already stays as it is.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

# Of pip's sections, the later win.
SECTIONS = ("global", "install", ":env:")
_LINE = re.compile(r"^(global|install|:env:)\.([a-z-]+)=(.*)$")


def _words(separator: str) -> Callable[[str], str]:
    return lambda value: separator.join(value.split())


def _places(value: str) -> str:
    """Return the places without folders that are not there: pip passes over them, uv would not."""
    return ",".join(each for each in value.split() if "://" in each or Path(each).exists())


def _switch(value: str) -> str:
    return "1" if value.strip().lower() in ("1", "true", "yes", "on") else ""


# pip's name → uv's variables, and how the value reads there.
VARIABLES: Mapping[str, tuple[tuple[str, ...], Callable[[str], str]]] = {
    "index-url": (("UV_DEFAULT_INDEX",), str.strip),
    "extra-index-url": (("UV_INDEX",), _words(" ")),
    "find-links": (("UV_FIND_LINKS",), _places),
    "no-index": (("UV_NO_INDEX",), _switch),
    "trusted-host": (("UV_INSECURE_HOST",), _words(" ")),
    "cert": (("SSL_CERT_FILE",), str.strip),
    "client-cert": (("SSL_CLIENT_CERT",), str.strip),
    "proxy": (("HTTPS_PROXY", "HTTP_PROXY"), str.strip),
    "timeout": (("UV_HTTP_TIMEOUT",), str.strip),
}


def settings(listed: str) -> dict[str, str]:
    """Return pip's settings from what `pip config list` prints."""
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in listed.splitlines():
        if match := _LINE.match(line):
            section, name, value = match.groups()
            found[section][name] = str(ast.literal_eval(value))
    return {name: value for section in SECTIONS for name, value in found[section].items()}


def variables(of_pip: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return uv's variables for these settings, except those that the environment has."""
    ours: dict[str, str] = {}
    for name, (targets, read) in VARIABLES.items():
        value = read(of_pip.get(name, ""))
        ours |= {target: value for target in targets if value and not _is_set(target, name, environment)}
    if "UV_INDEX" in ours and "UV_INDEX_STRATEGY" not in environment:
        # pip looks in all indexes; what comes from one that it should not come from has another hash.
        ours["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return ours


def _is_set(target: str, name: str, environment: Mapping[str, str]) -> bool:
    """Return whether uv's own variable wins: not for certificates, where the variable is that of all programs."""
    return target in environment and name != "cert"


def main() -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own words
    for name, value in variables(settings(listed), os.environ).items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


if __name__ == "__main__":
    main()
