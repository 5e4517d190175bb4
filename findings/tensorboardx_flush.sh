#!/usr/bin/env bash
# tensorboardX 2.6.5: flush() of a SummaryWriter returns while events still wait in its queue, so a reader that comes
# after it finds only some of them; close() writes all. Of 5,000 numbers some are missing after flush.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorboardX==2.6.5 tensorboard==2.21.0 numpy==2.4.6 2>/dev/null
seen=$("$folder/venv/bin/python" - "$folder/log" <<'PYTHON' 2>/dev/null
import shutil
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboardX import SummaryWriter


def count(name):
    return sum(event.HasField("summary") for event in EventFileLoader(name).Load())


writer = SummaryWriter(sys.argv[1])
for step in range(5000):
    writer.add_scalar("number", step, step)
writer.flush()
(written,) = Path(sys.argv[1]).iterdir()
shutil.copy(written, sys.argv[1] + ".flushed")
writer.close()
ALL = {True: "all", False: "some"}
print(f"flush: {ALL[count(sys.argv[1] + '.flushed') == 5000]} close: {ALL[count(str(written)) == 5000]}")
PYTHON
)
echo "$seen"
expected="flush: some close: all"
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
