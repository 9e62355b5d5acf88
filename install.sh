#!/bin/sh
# What `make install`, `make demo` and `make test` do first: a virtual environment in .venv with exactly what
# the lock names, every file checked against its hash, and Ambassade itself on top of it.
#
#   sh install.sh requirements.txt         what the programme needs
#   sh install.sh requirements-test.txt    that and what its tests need
#
# A second run does nothing while the locks and the interpreter are as they were.
set -eu
cd "$(dirname "$0")"
lock="$1"
venv=.venv
python=$venv/bin/python

fail() {
    echo "ambassade: $1" >&2
    exit 1
}

# Some names on a PATH are shims that do not run: an interpreter counts only when it answers.
answers() {
    "$1" -c "$2" >/dev/null 2>&1
}

find_python() {
    old='' bare=''
    for name in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3 python}; do
        answers "$name" 'import sys' || continue
        if ! answers "$name" 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            old=$name
        elif ! answers "$name" 'import venv, ensurepip, ssl, sqlite3'; then
            bare=$name
        else
            echo "$name"
            return
        fi
    done
    if [ -n "$bare" ]; then
        missing=$("$bare" -c '
import importlib.util as u
print(", ".join(m for m in ("venv", "ensurepip", "_ssl", "_sqlite3") if u.find_spec(m) is None) or "a working venv")')
        fail "$bare lacks $missing; on Debian and Ubuntu, apt-get install $(basename "$bare")-venv brings it."
    fi
    [ -z "$old" ] || fail "Python 3.11 or newer is needed; $old is $("$old" -V 2>&1)."
    fail "Python 3.11 or newer is needed, and none was found."
}

fingerprint() {
    cksum "$@" pyproject.toml install.sh
    pwd -P
}

installed() {
    [ -f "$1" ] && answers "$python" 'import sys; sys.exit(sys.version_info < (3, 11))' &&
        [ -x $venv/bin/ambassade ] && [ "$(cat "$1")" = "$2" ]
}

run_time=$(fingerprint requirements.txt)
tests=$(fingerprint requirements-test.txt)
case $lock in
    requirements.txt) # the tests' lock holds all of it
        ! installed $venv/.installed-run "$run_time" || exit 0
        ! installed $venv/.installed-test "$tests" || exit 0
        stamp=run said=$run_time ;;
    requirements-test.txt)
        ! installed $venv/.installed-test "$tests" || exit 0
        stamp=test said=$tests ;;
    *) fail "there is no lock called $lock." ;;
esac

if ! answers $python "import pip, os, sys; sys.exit(sys.version_info < (3, 11) or
        os.path.realpath(sys.prefix) != os.path.realpath('$venv'))"; then
    interpreter=$(find_python)
    echo "Making $venv with $("$interpreter" -V)."
    rm -rf $venv
    "$interpreter" -m venv $venv || fail "$interpreter could not make $venv."
fi
rm -f $venv/.installed-run $venv/.installed-test
echo "Installing what $lock names (once, until it changes)."
pip="$python -m pip --disable-pip-version-check --no-input install --quiet"
$pip --require-hashes -r "$lock" || fail "the packages of $lock could not be installed; pip says why above."
# The lock brought the build tool, so building Ambassade asks the network for nothing.
$pip --no-deps --no-build-isolation --editable . || fail "Ambassade itself could not be installed."
echo "$said" >$venv/.installed-$stamp
