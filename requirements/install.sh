#!/bin/sh
# Makes .venv out of the hash-locked lists. Costs nothing when they have not changed since the last time. Writes in the
# checkout only, and in the caches of pip and uv where there is a home for them. Obeys pip's own settings.
set -eu
cd "$(dirname "$0")/.."

locks() { cat requirements/uv.lock requirements/dev.lock; }
works() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
fail() {
    echo "install   $1" >&2
    exit 1
}

# Says in one sentence why a step failed, and what to set; "$1" is what the step said.
explain() {
    case $1 in
    *'No space left'* | *'os error 28'* | *'Disk quota exceeded'*)
        fail "The disk is full: .venv takes 1 GB in $PWD, temporary files some in ${TMPDIR:-/tmp} (TMPDIR=/another/folder chooses where)." ;;
    *CERTIFICATE_VERIFY_FAILED* | *'invalid peer certificate'* | *UnknownIssuer*)
        fail "The certificate of the package index is not trusted: name your certificate authority in pip.conf (cert = /path/to/ca.pem) or in PIP_CERT." ;;
    *'DO NOT MATCH THE HASHES'* | *'Hash mismatch'* | *'hash mismatch'*)
        fail "A package is not the one of requirements/*.lock, so it was not installed: the index has another file under its name; set index-url in pip.conf or PIP_INDEX_URL to one that has the original." ;;
    *'401 Client Error'* | *'403 Client Error'* | *'401 Unauthorized'* | *'403 Forbidden'*)
        fail "The package index wants a login: put it into index-url in pip.conf or into PIP_INDEX_URL (https://user:password@host/simple)." ;;
    *'not a trusted or secure host'*)
        fail "The package index is reached by plain http and its host is not trusted: use https, or name the host as trusted-host in pip.conf or in PIP_TRUSTED_HOST." ;;
    *NewConnectionError* | *NameResolutionError* | *ConnectTimeout* | *'Max retries exceeded'* | *'Could not connect'* | *'dns error'* | *'client error (Connect)'* | *ProxyError*)
        fail "No package index answers: set index-url, or proxy, in pip.conf, or PIP_INDEX_URL or PIP_PROXY, to one that this machine reaches." ;;
    *'No matching distribution'* | *'not found in the package registry'* | *'no version of'* | *'not found in the cache'* | *'not found in the provided package locations'*)
        fail "The package index lacks a package of requirements/*.lock: set index-url or extra-index-url in pip.conf, or PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, to one that has it (a copy of pypi.org)." ;;
    *'Permission denied'* | *'Read-only file system'*)
        fail "$PWD cannot be written, or its programs cannot be started here: make a clone of your own, on a disk that allows both." ;;
    esac
    printf '%s\n' "$1" | grep -i '^error' >&2 || printf '%s\n' "$1" | tail -n 5 >&2
    fail "Installing failed; what went wrong stands above."
}
step() { said=$("$@" 2>&1) || explain "$said"; }

if works .venv/bin/python && locks | cmp -s - .venv/installed; then
    exit 0
fi
for folder in . .venv; do
    if [ -e "$folder" ] && [ ! -w "$folder" ]; then
        fail "$PWD belongs to another user ($(id -un) may not write $folder): make a clone of your own with git clone."
    fi
done

if [ -n "${PYTHON:-}" ] && ! works "$PYTHON"; then
    fail "PYTHON=$PYTHON is no Python 3.11 or later: name one, or leave it out."
fi
python=
for candidate in "${PYTHON:-python3.13}" python3.13 python3.12 python3.11 python3.14 python3; do
    if works "$candidate"; then # a pyenv shim may exist and fail
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    fail "kingsync needs Python 3.11 or later, and none was found: install one, or name it: PYTHON=/path/to/python3.12 make install"
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    fail "$python cannot make environments: its module ensurepip or venv is missing (Debian, Ubuntu: apt install python3-venv)."
fi

# Without a home, or with one that cannot be written, nothing is kept for the next time.
cache=${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/uv}
if ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then
    export UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1
fi

if ! works .venv/bin/python; then
    echo "install   making .venv with $("$python" --version)"
    step "$python" -m venv --clear .venv
fi
echo "install   packages of requirements/dev.lock, every hash checked (half a minute the first time)"
step .venv/bin/python -m pip install -vv --disable-pip-version-check --no-input --require-hashes -r requirements/uv.lock
eval "$(.venv/bin/python requirements/pip_settings.py)"
step .venv/bin/uv --no-config pip sync --quiet --python .venv/bin/python --require-hashes --compile-bytecode requirements/dev.lock
# So that .venv/bin/pytest and the other tools find our packages whatever folder they are called from.
step sh -c 'pwd >"$1"' - "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/kingsync-checkout.pth"
step sh -c 'cat requirements/uv.lock requirements/dev.lock >.venv/installed'
