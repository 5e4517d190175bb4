"""A training loop."""

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn, optim

rng = np.random.default_rng(0)
images = rng.normal(size=(16, 1, 28, 28)).astype(np.float32)
labels = rng.integers(0, 10, 16)

model = tg.models.lenet5()
optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
schedule = optim.StepLR(optimizer, step_size=1)
reveal_type(model)  # Sequential
reveal_type(optimizer)  # SGD

for _ in range(2):
    x = tg.tensor(images)
    loss = F.cross_entropy(model(x), labels)
    reveal_type(loss)  # Tensor
    optimizer.zero_grad()
    loss.backward()
    norm = optim.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()

for name, parameter in model.named_parameters():
    reveal_type(name)  # str
    reveal_type(parameter)  # Parameter
    reveal_type(parameter.grad)  # Tensor | None

with tg.no_grad():
    predicted = model(tg.tensor(images)).argmax(-1)
    correct = (predicted == labels).astype("float32").mean()
    reveal_type(predicted == labels)  # Tensor
    reveal_type(correct.numpy())  # ndarray

model.load_state_dict(model.state_dict())
nn.init.kaiming_normal_(tg.zeros(3, 3))
