#!/bin/bash
# Makes .venv with every dependency at its pinned version; does nothing when that is done already.
# With --tests it also sees to the Debian packages that only tests and benchmarks need.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'nuan: %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "this needs root: $*"
        return 1
    fi
}

# A package's service must not start with its installation: the tests run their own.
policy=/usr/sbin/policy-rc.d
policy_is_ours=no
clean_up() { if [ "$policy_is_ours" = yes ]; then as_root rm -f "$policy"; fi; }
trap clean_up EXIT

apt_install() {
    say "installing the Debian package $*"
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        policy_is_ours=yes
        as_root chmod 755 "$policy"
    fi
    local log
    log=$(mktemp)
    if ! { apt_get install "$@" || { apt_get update && apt_get install "$@"; }; } >"$log" 2>&1; then
        grep '^E:' "$log" >&2 || cat "$log" >&2
        say "could not install $*"
        return 2
    fi
    rm -f "$log"
}

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$@"; }

find_python() {
    local name
    for name in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "no Python of version 3.11 or newer: install one, or name it with PYTHON=..."
    return 2
}

# Debian keeps ensurepip in python3-venv; without it the machine's pip can fill the environment.
make_environment() {
    local python=$1
    if "$python" -m venv --clear .venv >/dev/null 2>&1; then
        return
    fi
    "$python" -m venv --clear --without-pip .venv
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        apt_install python3-venv
        "$python" -m venv --clear .venv
    fi
}

pip_install() {
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
    if .venv/bin/python -c 'import pip' 2>/dev/null; then
        .venv/bin/python -m pip install -q "$@"
    else
        "$python" -m pip --python .venv/bin/python install -q "$@"
    fi
}

if [ "${1:-}" = --tests ] && ! PATH="$PATH:/usr/sbin" command -v mosquitto >/dev/null; then
    apt_install mosquitto
fi

python=$(find_python)
wanted=$({ pwd; "$python" --version; cat constraints.txt pyproject.toml; } | sha256sum)
if [ "$(cat .venv/installed 2>/dev/null || true)" = "$wanted" ]; then
    exit 0
fi
say "installing into .venv (the first time takes about a minute)"
rm -f .venv/installed
if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    make_environment "$python"
fi
pip_install --require-hashes -r constraints.txt
pip_install --no-deps --no-build-isolation -e .
printf '%s\n' "$wanted" >.venv/installed
