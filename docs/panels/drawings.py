"""Train on the reader's own drawings: a step for sixteen of them, and the answer for one."""

from __future__ import annotations

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import Tensor, optim

from .exports import Export
from .networks import lenet, prepared

BATCH, CLASSES = 16, 3


def exports() -> list[Export]:
    tg.manual_seed(0)
    model = lenet(CLASSES)
    optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

    @tg.jit
    def step(images: Tensor, labels: Tensor) -> Tensor:
        loss = F.cross_entropy(model(prepared(images)), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    @tg.jit
    def answer(image: Tensor) -> Tensor:
        with tg.no_grad():
            return F.softmax(model(prepared(image)), 1)

    batch = np.zeros((BATCH, 1, 28, 28), np.uint8), np.zeros(BATCH, np.int32)
    return [Export("drawings_train", step, batch), Export("drawings_answer", answer, (batch[0][:1],))]
