"""A sum around two layers: the direct operation stays visible among the layers."""

import tinygrad_cv as tg
from tinygrad_cv import nn


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.conv2(self.relu(self.conv1(x))) + x)


model = nn.Sequential(Residual(), nn.Flatten())
view = tg.graph(model, tg.ones(1, 4, 6, 6))
depths = [1]
