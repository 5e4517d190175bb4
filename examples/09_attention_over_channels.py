"""Squeeze-and-excitation, and layer normalization over tokens: two blocks in which a network looks at itself.

One learns that attention over channels is three known layers and a product, that its gates are numbers to look at, one
for each channel of each image, and that layer normalization of N x T x D is the same formula as ever, over D: permuting
tokens permutes the result, and another image in the batch changes nothing. A training step of both is compiled.
"""

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import nn

N, C, SIDE, D = 64, 8, 8, 16


class SqueezeExcitation(nn.Module):
    """x times a gate for each channel: squeeze to the means, excite through a bottleneck (Hu et al., 2018, eq. 2-4)."""

    def __init__(self, channels, reduction=4):
        super().__init__()
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.excite = nn.Sequential(
            nn.Conv2d(channels, channels // reduction, 1),
            nn.SiLU(),
            nn.Conv2d(channels // reduction, channels, 1),
            nn.Sigmoid(),
        )

    def gates(self, x):
        return self.excite(self.squeeze(x))  # n c h w -> n c 1 1

    def forward(self, x):
        return x * self.gates(x)


class Network(nn.Module):
    """A convolution with channel attention, then patches as tokens, normalized and mixed by a residual block."""

    def __init__(self, classes=2):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(2, C, 3, padding=1, bias=False), nn.BatchNorm2d(C), nn.SiLU())
        self.attention = SqueezeExcitation(C)
        self.patches = nn.Conv2d(C, D, 4, stride=4)
        self.norm = nn.LayerNorm(D)
        self.mlp = nn.Sequential(nn.Linear(D, 2 * D), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * D, D))
        self.score = nn.Linear(D, classes)

    def tokens(self, x):
        x = self.attention(self.conv(x))
        return self.patches(x).flatten(2).permute(0, 2, 1)  # n d h w -> n d t -> n t d

    def forward(self, x):
        t = self.tokens(x)
        t = t + self.mlp(self.norm(t))
        return self.score(t.mean(1))


def images(n, rng):
    """Noise in two channels, one of which has stripes; the label is which."""
    labels = rng.integers(0, 2, n)
    x = rng.normal(size=(n, 2, SIDE, SIDE))
    x[np.arange(n), labels] += np.sin(np.arange(SIDE) * np.pi / 2)[:, None] * 0.7
    return x.astype("float32"), labels


tg.manual_seed(0)
rng = np.random.default_rng(0)
model = Network()
optimizer = tg.optim.AdamW(model.parameters(), 0.01)


@tg.jit
def step(x, labels):
    optimizer.zero_grad()
    loss = nn.CrossEntropyLoss()(model(x), labels)
    loss.backward()
    optimizer.step()
    return loss


for i in range(121):
    loss = step(*images(N, rng))
    if i % 40 == 0:
        print(f"step {i:3}: loss {loss.item():.3f}")

model.eval()
x, labels = images(1000, rng)
right = (model(x).argmax(1).numpy() == labels).mean()
print(f"{right:.1%} right on new images")
assert right > 0.9

gates = model.attention.gates(model.conv(x)).numpy()[:, :, 0, 0]
print(f"gates: {gates.shape[0]} x {gates.shape[1]}, from {gates.min():.2f} to {gates.max():.2f}")
assert gates.shape == (1000, C) and 0 < gates.min() < gates.max() < 1

t = model.tokens(x[:4]).detach()
y = model.norm(t).numpy()
order = rng.permutation(t.shape[1])
assert np.allclose(model.norm(t[:, order]).numpy(), y[:, order], atol=1e-6)
assert np.allclose(model.norm(t[:1]).numpy(), y[:1], atol=1e-6)
plain = (y - model.norm.bias.numpy()) / model.norm.weight.numpy()
print(f"tokens: {' x '.join(map(str, t.shape))}; each has mean 0 and deviation {plain.std(2).mean():.2f}")
assert abs(plain.mean(2)).max() < 1e-5 and abs(plain.std(2) - 1).max() < 1e-2
