#!/bin/sh
# Makes .venv out of the hash-locked lists. Costs nothing when they have not changed since the last time.
set -eu
cd "$(dirname "$0")/.."

locks() { cat requirements/uv.lock requirements/dev.lock; }
works() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

if works .venv/bin/python && locks | cmp -s - .venv/installed; then
    exit 0
fi

python=
for candidate in "${PYTHON:-python3.13}" python3.13 python3.12 python3.11 python3; do
    if works "$candidate"; then # a pyenv shim may exist and fail
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "kingsync needs Python 3.11 or later, and none was found. Install one, or name it: PYTHON=/path/to/python3.12 make install" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$python cannot make environments: its module ensurepip or venv is missing (Debian, Ubuntu: apt install python3-venv)." >&2
    exit 1
fi

if ! works .venv/bin/python; then
    echo "install   making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi
echo "install   packages of requirements/dev.lock, every hash checked (half a minute the first time)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements/uv.lock
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes --compile-bytecode requirements/dev.lock
# So that .venv/bin/pytest and the other tools find our packages whatever folder they are called from.
pwd >"$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/kingsync-checkout.pth"
locks >.venv/installed
