"""Back up the database of DATABASE_URL into a folder, and remove backups older than so many days.

`python deploy/backup.py FOLDER --keep DAYS`. A backup that failed leaves no file that looks like one. It needs
pg_dump and no Django, so that it runs whatever state the release is in.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

FORM = "kingsync-%Y-%m-%dT%H%M%SZ.dump"
# What an address may say after its question mark, by the names of PostgreSQL's own programs.
OPTIONS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    os.umask(0o077)  # a backup holds everything, whoever calls this
    address = os.environ.get("DATABASE_URL", "")
    if not address:
        return _failed("DATABASE_URL is empty: give this program the environment of the service")
    now = datetime.datetime.now(datetime.UTC)
    try:
        made = dump(address, options.folder, now=now)
        removed = remove_older(options.folder, than=now - datetime.timedelta(days=options.keep))
    except FileNotFoundError as error:
        return _failed(f"{error.filename} is not there")
    except OSError as error:
        return _failed(f"{error.strerror or error} ({options.folder})")
    except subprocess.CalledProcessError as error:
        return _failed(str(error.stderr).strip() or f"pg_dump ended with {error.returncode}")
    sys.stdout.write(f"backup    {made} ({made.stat().st_size} bytes); {removed} older removed\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Back up the database of DATABASE_URL.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep", type=int, default=14, metavar="DAYS", help="remove backups older than this")
    return parser


def _failed(why: str) -> int:
    sys.stderr.write(f"backup    failed: {why}\n")
    return 1


def dump(address: str, folder: Path, *, now: datetime.datetime) -> Path:
    """Write a backup under a name that no backup has until it is whole; the password is in no list of processes."""
    name = now.strftime(FORM)
    unfinished, finished = folder / f".{name}", folder / name
    environment = {**os.environ, **_parts(address)}
    command = ["pg_dump", "--format=custom", f"--file={unfinished}"]
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
        unfinished.rename(finished)
    finally:
        unfinished.unlink(missing_ok=True)
    return finished


def _parts(address: str) -> dict[str, str]:
    """Return the address as the variables that PostgreSQL's programs read."""
    url = urlsplit(address)
    host = unquote(url.netloc.rpartition("@")[2].removesuffix(f":{url.port}")).strip("[]")
    named = {
        "PGHOST": host,
        "PGPORT": str(url.port or ""),
        "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""),
        "PGDATABASE": unquote(url.path.lstrip("/")),
    }
    named |= {OPTIONS[name]: value for name, value in parse_qsl(url.query) if name in OPTIONS}
    return {name: value for name, value in named.items() if value}


def remove_older(folder: Path, *, than: datetime.datetime) -> int:
    """Remove the backups made before this moment, by their names; return how many."""
    limit = than.strftime(FORM)
    old = [path for path in folder.glob("kingsync-*.dump") if path.name < limit]
    for path in old:
        path.unlink()
    return len(old)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
