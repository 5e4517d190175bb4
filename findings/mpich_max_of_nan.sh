#!/usr/bin/env bash
# MPICH 5.0.2, through mpi4py 4.1.2: after Allreduce with MAX or MIN of one float, a NaN on one of two processes, each has
# what the other gave: the one a number, the other a NaN. The collective whose result is to be the same on all leaves
# different arrays, so processes that decide by it part ways.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mpich==5.0.2 mpi4py==4.1.2 numpy==2.4.6 2>/dev/null
cat >"$folder/extremes.py" <<'PYTHON'
import numpy as np
from mpi4py import MPI

world = MPI.COMM_WORLD
for dtype in ("float32", "float64"):
    for owner in (0, 1):
        given = np.array([np.nan if world.rank == owner else 1.0], dtype)
        for op in ("MAX", "MIN"):
            result = np.empty_like(given)
            world.Allreduce(given, result, getattr(MPI, op))
            found = world.gather(result.item())
            if world.rank == 0:
                print(dtype, f"NaN on {owner}", op, *found, sep=" ")
PYTHON
seen=$("$folder/venv/bin/mpiexec" -n 2 "$folder/venv/bin/python" "$folder/extremes.py")
echo "$seen"
expected=$(for dtype in float32 float64; do
  for op in MAX MIN; do echo "$dtype NaN on 0 $op 1.0 nan"; done
  for op in MAX MIN; do echo "$dtype NaN on 1 $op nan 1.0"; done
done)
[ "$seen" = "$expected" ] || { echo "this has changed; expected:"; echo "$expected"; exit 1; }
