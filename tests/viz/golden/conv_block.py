"""Convolution, batch normalization, ReLU and max pooling, as layers of a module."""

import tinygrad_cv as tg
from tinygrad_cv import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        return self.pool(self.relu(self.bn(self.conv(x))))


block = Block()
with tg.no_grad():
    for parameter in block.parameters():
        parameter.assign(tg.ones_like(parameter))
view = tg.graph(block, tg.ones(2, 3, 8, 8))
depths = [None, 1, 2]
