#!/usr/bin/env bash
# MPICH 5.0.2: mpiexec's exit code is the bitwise or of the processes': 1 and 2 give 3, which none of them had; and a
# process that SIGKILL ended counts as 9, as if it had called exit(9), where shells say 137. A process that fails before
# MPI_Init does not end the others: they run on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mpich==5.0.2 2>/dev/null
mpiexec="$folder/venv/bin/mpiexec"
code() { "$mpiexec" "$@" >/dev/null 2>&1 && echo 0 || echo $?; }
one_and_two=$(code -n 2 sh -c 'exit $((1 + PMI_RANK))')
killed=$(code -n 1 sh -c 'kill -9 $$')
rest=$("$mpiexec" -n 2 sh -c 'test $PMI_RANK = 0 && exit 3; sleep 1; echo runs on' 2>/dev/null || true)
seen="exit codes 1 and 2: $one_and_two, SIGKILL: $killed, beside exit code 3: $rest"
echo "$seen"
expected="exit codes 1 and 2: 3, SIGKILL: 9, beside exit code 3: runs on"
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
