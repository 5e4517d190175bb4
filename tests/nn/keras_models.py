"""Models of Keras with random weights, their files and what they compute: python -m tests.nn.keras_models FOLDER"""

import os
import sys
from pathlib import Path

import numpy as np


def sequential(keras):
    """every kind of layer with weights"""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 7, 3)),
            layers.Conv2D(4, 3, padding="same", name="first"),
            layers.BatchNormalization(name="bn"),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, depth_multiplier=2, name="by_channel"),
            layers.BatchNormalization(name="bn2"),
            layers.SeparableConv2D(6, 3, name="separable"),
            layers.Conv2DTranspose(6, 3, strides=2, name="up"),
            layers.Conv2D(6, 3, groups=2, name="grouped"),
            layers.GroupNormalization(2, name="gn"),
            layers.PReLU(shared_axes=[1, 2], name="slope"),
            layers.Conv2D(4, 2, use_bias=False, name="last"),
            layers.MaxPool2D(2),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(9, activation="relu", name="hidden"),
            layers.Dense(5, name="scores"),
        ],
        name="everything",
    )


def functional(keras):
    """a network that forks, with layers named as ours, made in another order than they are used in"""
    layers = keras.layers
    second, scores = layers.Conv2D(3, 3, padding="same", name="body_second"), layers.Dense(4, name="scores")
    x = keras.Input((6, 6, 2))
    y = layers.Conv2D(3, 3, padding="same", name="first")(x)
    z = second(layers.LayerNormalization(name="norm", axis=[1, 2, 3])(y))
    return keras.Model(x, scores(layers.Flatten()(layers.Concatenate()([y, z]))), name="forks")


def vectors(keras):
    """normalizations without a scale, and without a shift"""
    layers = keras.layers
    parts = [
        layers.BatchNormalization(scale=False, name="shifts"),
        layers.BatchNormalization(center=False, name="scales"),
    ]
    return keras.Sequential([keras.Input((3,)), layers.Dense(4), *parts, layers.Dense(2)])


def table(keras):
    """a table of words, and a dense layer of each"""
    layers = keras.layers
    x = keras.Input((3,), dtype="int32")
    y = layers.Embedding(7, 4, name="0")(x)
    return keras.Model(x, layers.Dense(2, name="1")(y))


def main(folder):
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    rng = np.random.default_rng(0)
    for make in (sequential, functional, vectors, table):
        model, name = make(keras), make.__name__
        model.set_weights([np.abs(rng.normal(size=w.shape)).astype(w.dtype) for w in model.get_weights()])
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
        model.save_weights(folder / f"{name}.weights.h5")
        shape = (2, *model.input_shape[1:])
        x = rng.integers(0, 7, shape) if make is table else rng.normal(size=shape).astype("f4")
        np.savez(folder / f"{name}.npz", x=x, y=keras.ops.convert_to_numpy(model(x, training=False)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
