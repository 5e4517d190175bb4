"""The row of contractions."""

from __future__ import annotations

import numpy as np

import tinygrad_cv as tg
from tests.primitives.draws import of, real
from tests.primitives.row import Case, Row, use

ROWS = [
    Row(
        "contract",
        lambda a, b, spec: a.contract(b, spec),
        lambda a, b, spec: np.einsum(spec, a, b),
        ("b", "a"),
        tuple(
            Case((a, b), {"spec": spec})
            for spec, a, b in [
                (",->", (), ()),
                ("a,a->", (5,), (5,)),
                ("a,->a", (5,), ()),
                ("a,b->ba", (2,), (3,)),
                ("ij,jk->ik", (2, 3), (3, 2)),
                ("ij,jk->ik", (1, 1), (1, 1)),
                ("ij,jk->ik", (3, 1), (1, 2)),
                ("ij,jk->ik", (1, 3), (3, 1)),
                ("ij,jk->ik", (2, 0), (0, 2)),
                ("ij,jk->ik", (0, 2), (2, 3)),
                ("bij,bkj->bki", (2, 2, 3), (2, 2, 3)),
                ("ncijuv,ocuv->noij", (1, 2, 2, 1, 2, 2), (2, 2, 2, 2)),
            ]
        ),
        (real,),
        linear=(0, 1),
        uses=(
            use(lambda a, b: a @ b, of(real, 2, 3), of(real, 3, 2)),
            use(lambda a, b: tg.einsum("nc,oc->on", a, b), of(real, 2, 2), of(real, 3, 2)),
        ),
        large=(
            Case(((80, 90), (90, 70)), {"spec": "ij,jk->ik"}),
            Case(((6, 40, 30), (6, 50, 30)), {"spec": "bij,bkj->bki"}),
            Case(((6, 8, 60, 60, 3, 3), (4, 8, 3, 3)), {"spec": "ncijuv,ocuv->noij"}),
        ),
        equivalent={
            (1, "lambda g, a, spec: a.contract(g, transposed(spec, 2))"): "every operand but 0 is the second",
        },
    )
]
