"""The user account that runs PostgreSQL, which refuses to run as root; the machine itself is not changed."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devservers.errors import ServersError

CLONE_NEWUSER = 0x10000000
INSIDE_ID = 1000
NOBODY = 65534
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Account:
    """How a server process starts: what runs first, which programs it may read, who owns its files."""

    enter: Callable[[], None] | None
    programs: Path
    owner: int


def choose(programs: Path, folder: Path) -> Account:
    """Return the account for the programs in `programs` (a folder with bin/) and data in `folder`.

    An ordinary user runs it as themselves. Root uses uid 1000 of a user namespace, which is still root outside; where
    namespaces are disabled, the user nobody with its own copy of the programs. Raises `ServersError` when neither
    works.
    """
    if os.geteuid() != 0:
        return Account(None, programs, os.geteuid())
    if namespaces_are_open():
        return Account(enter_namespace, programs, 0)
    return nobody(programs, folder)


def nobody(programs: Path, folder: Path) -> Account:
    """Return the account nobody, with the programs copied to where nobody can read them."""
    _check_reachable(folder)
    package, copy = programs.parent, folder / "programs"
    libraries = package.with_name(f"{package.name}.libs")  # the programs look for them beside their package
    complete, origin = copy / "complete", f"{programs} {(programs / 'bin' / 'postgres').stat().st_mtime_ns}"
    if not complete.exists() or complete.read_text() != origin:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(programs, copy / package.name / programs.name, symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        complete.write_text(origin)
    return Account(become_nobody, copy / package.name / programs.name, NOBODY)


def namespaces_are_open() -> bool:
    """Return whether this process may create user namespaces, by creating one in a child."""
    try:
        subprocess.run(["/bin/true"], preexec_fn=enter_namespace, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def enter_namespace() -> None:
    """Become uid and gid 1000 of a new user namespace; the files remain those of the user outside."""
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{INSIDE_ID} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{INSIDE_ID} {gid} 1")


def become_nobody() -> None:
    """Become the user nobody, irreversibly."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def hand_over(path: Path, owner: int) -> None:
    """Give `path` and everything below it to `owner` if it is not theirs. Only root can, and only root needs to."""
    if os.geteuid() != 0 or not path.exists() or path.stat().st_uid == owner:
        return
    for each in (path, *path.rglob("*")):
        os.chown(each, owner, -1, follow_symlinks=False)


def _check_reachable(folder: Path) -> None:
    for each in (folder, *folder.parents):
        if not each.stat().st_mode & stat.S_IXOTH:
            raise ServersError(
                f"PostgreSQL does not run as root, user namespaces are disabled here, and other users may not enter "
                f"{each}. Run as an ordinary user, allow others to enter it, or set DATABASE_URL and REDIS_URL."
            )
