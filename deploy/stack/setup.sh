#!/bin/sh
# Makes or mends .venv: hash-locked packages, the project itself (editable), and the Kafka jars.
# Nothing is asked of the machine but Python 3.11 or newer; with everything in place no network is needed.
# Every refusal is one line and says what to do about it. Exit code 2: the machine cannot, as it is.
set -eu
cd "$(dirname "$0")/../.."

say() { printf 'paidan setup: %s\n' "$*" >&2; }
refuse() { say "$*"; exit 2; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# pip's own settings (a mirror, an own certificate) hold for uv too.
borrow_pip_settings() {
    if [ -z "${UV_DEFAULT_INDEX:-}" ]; then
        index=${PIP_INDEX_URL:-$("$1" -m pip config get global.index-url 2>/dev/null || true)}
        [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    fi
    if [ -z "${SSL_CERT_FILE:-}" ]; then
        cert=${PIP_CERT:-$("$1" -m pip config get global.cert 2>/dev/null || true)}
        [ -z "$cert" ] || export SSL_CERT_FILE="$cert"
    fi
}

make_venv() { # $1: the python to build on
    if "$1" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        "$1" -m venv .venv || refuse "cannot write .venv here: check the permissions and free space of $PWD"
    elif command -v uv >/dev/null 2>&1; then
        uv venv -q --seed --python "$1" .venv || refuse "uv could not make .venv: check the permissions of $PWD"
    else
        refuse "$1 has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv) and run 'make setup' again"
    fi
}

[ -w . ] || refuse "no permission to write in $PWD: run 'make' as its owner, or clone into a folder of your own"

if [ -x .venv/bin/python ] && new_enough .venv/bin/python; then
    python=.venv/bin/python
else
    base=$(find_python) || refuse "needs Python 3.11 or newer (found: $(python3 --version 2>&1 || echo none)); install one, or name it: make setup PYTHON=/path/to/python3.12"
    rm -rf .venv
    make_venv "$base"
    python=.venv/bin/python
fi

stamp=.venv/.installed
want=$(cat requirements/bootstrap.txt requirements/dev.txt pyproject.toml | cksum)
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$want" ]; then
    rm -f "$stamp"
    borrow_pip_settings "$python"
    offline="the package index cannot be reached or a package failed its hash (see above); behind a proxy set HTTPS_PROXY, for a mirror PIP_INDEX_URL, then run 'make setup' again: it goes on where it stopped"
    if ! .venv/bin/uv --version 2>/dev/null | grep -qF "$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements/bootstrap.txt)"; then
        "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip -q || refuse ".venv has no pip: remove .venv and run 'make setup' again"
        "$python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt || refuse "$offline"
    fi
    .venv/bin/uv pip sync -q --compile-bytecode --python "$python" --require-hashes requirements/bootstrap.txt requirements/dev.txt || refuse "$offline"
    .venv/bin/uv pip install -q --python "$python" --offline --no-deps --no-build-isolation -e . || refuse "the project itself could not be installed (see above)"
    .venv/bin/uv pip check -q --python "$python" || refuse "the installed packages contradict each other (see above): remove .venv and run 'make setup' again"
    printf '%s' "$want" > "$stamp"
fi

downloads=${PAIDAN_DOWNLOADS:-.paidan/downloads}
if ! ls "$downloads"/kafka-*/kafka.aot >/dev/null 2>&1; then
    "$python" -m deploy.stack.fetch
fi
