"""The layers of a vision course, in NumPy, each checked by itself and all of them together.

A forward returns its output and a cache; the backward takes the gradient of the output and that cache, and returns one
gradient for each input. One learns to check every layer before building a network of them. What is no array of floats
(a stride, labels, running averages) goes into a lambda.
"""

import numpy as np

import tinygrad_cv as tg

EPS = 1e-5


def affine_forward(x, w, b):
    """x: N x ..., flattened to N x D; w: D x M; b: M."""
    return x.reshape(len(x), -1) @ w + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(0)


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    return dout * (cache > 0)


def dropout_forward(x, p, seed):
    """Each element stays with probability p, 1/p times as large; the cache is the mask."""
    mask = (np.random.default_rng(seed).random(x.shape) < p) / p
    return x * mask, mask


def dropout_backward(dout, mask):
    return dout * mask


def batchnorm_forward(x, gamma, beta, average, momentum=0.9):
    """x: N x D. The running averages are kept in a dictionary that is changed on the way."""
    mean, var = x.mean(0), x.var(0)
    average["mean"] = momentum * average.get("mean", 0) + (1 - momentum) * mean
    average["var"] = momentum * average.get("var", 0) + (1 - momentum) * var
    scale = 1 / np.sqrt(var + EPS)
    xhat = (x - mean) * scale
    return gamma * xhat + beta, (xhat, scale, gamma)


def batchnorm_backward(dout, cache):
    xhat, scale, gamma = cache
    dxhat = dout * gamma
    dx = scale * (dxhat - dxhat.mean(0) - xhat * (dxhat * xhat).mean(0))
    return dx, (dout * xhat).sum(0), dout.sum(0)


def conv_forward(x, w, b, stride, pad):
    """x: N x C x H x W; w: F x C x K x K; b: F. By loops over the output, as one writes it first."""
    n, k = len(x), w.shape[2]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    height, width = ((size - k) // stride + 1 for size in padded.shape[2:])
    out = np.zeros((n, len(w), height, width))
    for i, j in np.ndindex(height, width):
        window = padded[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
        out[:, :, i, j] = np.tensordot(window, w, ((1, 2, 3), (1, 2, 3))) + b  # n c u v, f c u v -> n f
    return out, (padded, w, stride, pad)


def conv_backward(dout, cache):
    padded, w, stride, pad = cache
    k, dpadded, dw = w.shape[2], np.zeros_like(padded), np.zeros_like(w)
    for i, j in np.ndindex(dout.shape[2:]):
        here = np.s_[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
        dpadded[here] += np.tensordot(dout[:, :, i, j], w, 1)
        dw += np.tensordot(dout[:, :, i, j].T, padded[here], 1)
    inside = slice(pad, -pad or None)
    return dpadded[:, :, inside, inside], dw, dout.sum((0, 2, 3))


def max_pool_forward(x, size):
    n, c, h, w = x.shape
    windows = x.reshape(n, c, h // size, size, w // size, size)
    out = windows.max((3, 5))
    return out, {"x": x, "out": out, "size": size}


def max_pool_backward(dout, cache):
    larger = np.ones((cache["size"], cache["size"]))
    return np.kron(dout, larger) * (cache["x"] == np.kron(cache["out"], larger))


def lstm_step_forward(x, h, c, wx, wh, b):
    """One step of an LSTM: two outputs, and a cache; x: N x D, h and c: N x H."""
    i, f, o, g = np.split(x @ wx + h @ wh + b, 4, 1)
    i, f, o, g = 1 / (1 + np.exp(-i)), 1 / (1 + np.exp(-f)), 1 / (1 + np.exp(-o)), np.tanh(g)
    new = f * c + i * g
    return o * np.tanh(new), new, (x, h, c, wx, wh, i, f, o, g, new)


def lstm_step_backward(dh, dc, cache):
    x, h, c, wx, wh, i, f, o, g, new = cache
    dc = dc + dh * o * (1 - np.tanh(new) ** 2)
    slopes = dc * g * i * (1 - i), dc * c * f * (1 - f), dh * np.tanh(new) * o * (1 - o), dc * i * (1 - g**2)
    da = np.concatenate(slopes, 1)
    return da @ wx.T, da @ wh.T, dc * f, x.T @ da, h.T @ da, da.sum(0)


def softmax_loss(scores, labels):
    """Returns the loss and its gradient: the second is the cache, and backward multiplies."""
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    dscores = p.copy()
    dscores[np.arange(len(p)), labels] -= 1
    return -np.log(p[np.arange(len(p)), labels]).mean(), dscores / len(p)


def network_forward(x, w1, b1, w2, b2, labels):
    """conv, relu, pool, affine, loss: the caches in a list."""
    y, conv = conv_forward(x, w1, b1, 1, 1)
    y, relu = relu_forward(y)
    y, pool = max_pool_forward(y, 2)
    y, affine = affine_forward(y, w2, b2)
    loss, dscores = softmax_loss(y, labels)
    return loss, [conv, relu, pool, affine, dscores]


def network_backward(dout, cache):
    conv, relu, pool, affine, dscores = cache
    dy, dw2, db2 = affine_backward(dout * dscores, affine)
    return *conv_backward(relu_backward(max_pool_backward(dy, pool), relu), conv), dw2, db2


def layers(rng):
    """name -> forward of arrays alone, inputs, backward."""
    normal, labels = (lambda *shape: rng.normal(size=shape)), np.array([0, 2])
    lstm = [normal(2, 3), normal(2, 4), normal(2, 4), normal(3, 16), normal(4, 16), normal(16)]
    network = [normal(2, 1, 4, 4), normal(2, 1, 3, 3), normal(2), normal(8, 3), normal(3)]
    return {
        "affine": (affine_forward, [normal(2, 2, 3), normal(6, 4), normal(4)], affine_backward),
        "relu": (relu_forward, normal(3, 4), relu_backward),
        "dropout": (lambda x: dropout_forward(x, 0.6, seed=1), normal(3, 4), dropout_backward),
        "batchnorm": (
            lambda x, gamma, beta: batchnorm_forward(x, gamma, beta, {}),
            [normal(5, 3), normal(3), normal(3)],
            batchnorm_backward,
        ),
        "conv": (
            lambda x, w, b: conv_forward(x, w, b, stride=2, pad=1),
            [normal(2, 2, 5, 5), normal(3, 2, 3, 3), normal(3)],
            conv_backward,
        ),
        "max pool": (lambda x: max_pool_forward(x, 2), normal(1, 2, 4, 4), max_pool_backward),
        "lstm step": (lstm_step_forward, lstm, lstm_step_backward),
        "softmax loss": (lambda scores: softmax_loss(scores, labels), normal(2, 3), lambda dout, dx: dout * dx),
        "network": (lambda *xs: network_forward(*xs, labels), network, network_backward),
    }


def main():
    for name, (forward, inputs, backward) in layers(np.random.default_rng(0)).items():
        report = tg.gradcheck(forward, inputs, backward=backward)
        print(f"{name}: {report.verdict}")
        assert report, report


if __name__ == "__main__":
    main()
