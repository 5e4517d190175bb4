"""The rows of all primitives: what the tests of the operations, of the compiler and the proof are driven from."""

from __future__ import annotations

from tests.primitives import collective, contraction, elementwise, indexing, movement, reduction, windows
from tests.primitives.row import Row

ROOMS = (elementwise, movement, windows, reduction, contraction, indexing, collective)
ROWS: dict[str, Row] = {row.name: row for room in ROOMS for row in room.ROWS}
