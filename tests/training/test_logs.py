"""TensorBoard's logs, read by TensorBoard itself."""

import numpy as np
import pytest

from tests.training.test_fit import batches, linear
from tinygrad_cv.training import fit, tensorboard

WHITE = np.full((1, 2, 2), 1.5)  # beyond what an image has
DARK = np.full((3, 2, 2), -0.5)


def logged(folder):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return events


def test_tensorboard_reads_figures_and_images(tmp_path):
    pytest.importorskip("tensorboardX")
    model, optimizer = linear()
    log = tensorboard(tmp_path, images=lambda state: {"white": WHITE, "dark": DARK})
    history = fit(model, batches(), batches(), epochs=2, optimizer=optimizer, after_epoch=log, jit=False)
    events = logged(tmp_path)
    for tag, name in (("loss/training", "loss"), ("loss/validation", "validation_loss"), ("lr/training", "lr")):
        found = events.Scalars(tag)
        assert [event.step for event in found] == [1, 2]
        np.testing.assert_allclose([event.value for event in found], history.column(name), 1e-6)
    pictures = pytest.importorskip("PIL.Image")
    import io

    for name, value in (("white", 255), ("dark", 0)):
        image = pictures.open(io.BytesIO(events.Images(name)[0].encoded_image_string))
        assert np.asarray(image).min() == np.asarray(image).max() == value


def test_a_resumed_training_replaces_what_it_does_again(tmp_path):
    pytest.importorskip("tensorboardX")
    for epochs in (3, 2):  # as if the checkpoint were older than the log
        model, optimizer = linear(lr=0.1 * epochs)
        fit(model, batches(), epochs=epochs, optimizer=optimizer, after_epoch=tensorboard(tmp_path), jit=False)
    assert [event.step for event in logged(tmp_path).Scalars("lr/training")] == [1, 2]


def test_an_image_of_another_shape_is_refused(tmp_path):
    pytest.importorskip("tensorboardX")
    model, optimizer = linear()
    log = tensorboard(tmp_path, images=lambda state: {"maps": np.zeros((16, 2, 2))})
    with pytest.raises(ValueError, match="image 'maps' has shape"):
        fit(model, batches(), epochs=1, optimizer=optimizer, after_epoch=log, jit=False)
