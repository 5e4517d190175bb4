"""Values through a channel: whole, through shared memory or without, and nothing open afterwards."""

import errno
import multiprocessing
import os
import threading

import numpy as np
import pytest

from tinygrad_cv.data.loader import channel as module
from tinygrad_cv.data.loader.channel import Channel, nameless_file

from .left_over import descriptors

asks_linux = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="asks Linux for what the process holds")

pytestmark = pytest.mark.any_python

VALUES = {
    "nothing": None,
    "small": {"a": (1, "b")},
    "long text": ["x" * 100_000, b"y" * 100_000],
    "array": np.arange(12.0).reshape(3, 4),
    "Fortran": np.asfortranarray(np.arange(12).reshape(3, 4)),
    "strided": np.arange(24).reshape(4, 6)[::2, ::3],
    "read only": np.broadcast_to(np.float32(3), (2, 5)),
    "empty": [np.zeros((0, 3)), np.zeros(()), np.zeros((0,), np.uint8)],
    "many": [np.full(i, i, dtype) for i in range(50) for dtype in ("u1", "<f8", ">i4", "?")],
    "large": np.arange(3_000_000),
    "objects": np.array([None, "a"], object),
}


def flat(value):
    if isinstance(value, (list, tuple)):
        return [entry for part in value for entry in flat(part)]
    return [value]


@pytest.fixture(params=[True, False], ids=["shared", "through the pipe"])
def ends(request, monkeypatch):
    """Two ends of a channel; none of it is open afterwards."""
    before = descriptors()
    monkeypatch.setattr(module, "SHARES", request.param and module.SHARES)
    made = [Channel(end) for end in multiprocessing.Pipe()]
    yield made
    for end in made:
        end.close()
    assert descriptors() == before


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_values_arrive_whole(ends, value):
    one, two = ends
    sender = threading.Thread(target=lambda: [one.send(value), one.send("next")])
    sender.start()
    got, then = two.receive(), two.receive()
    sender.join()
    assert then == "next" and not two.poll()
    for mine, sent in zip(flat(got), flat(value), strict=True):
        if isinstance(sent, np.ndarray):
            assert mine.dtype == sent.dtype and mine.flags.writeable and mine.flags.aligned
            np.testing.assert_array_equal(mine, sent)
            mine[...] = 0
        else:
            assert mine == sent


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_sender_does_not_wait_for_a_receiver(value):
    """What is large is not in the pipe: here nobody receives until all is sent."""
    one, two = (Channel(end) for end in multiprocessing.Pipe())
    for _ in range(4):
        one.send(value)
    for _ in range(4):
        two.receive()
    one.close()
    two.close()


@asks_linux
def test_memory_goes_with_the_arrays(ends):
    def mapped():
        with open("/proc/self/maps") as maps:
            return sum("memfd:tinygrad_cv-loader" in line for line in maps)

    before = mapped()
    ends[0].send(np.arange(10))
    got = ends[1].receive()
    view = got[3:]
    assert mapped() == before + module.SHARES
    del got
    assert view.tolist() == list(range(3, 10)) and mapped() == before + module.SHARES
    del view
    assert mapped() == before


def test_the_end(ends):
    one, two = ends
    one.close()
    assert two.poll()
    with pytest.raises(EOFError):
        two.receive()
    with pytest.raises(OSError):
        two.send(1)


def test_want_of_memory_is_an_error_and_the_channel_is_whole(ends, monkeypatch):
    def full(file, data, offset):
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        if module.SHARES:
            with pytest.raises(OSError, match="no space"):
                ends[0].send(np.arange(10))
    ends[0].send(np.arange(3))
    assert ends[1].receive().tolist() == [0, 1, 2]


def test_writes_that_are_cut_short_go_on(ends, monkeypatch):
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, offset: pwrite(file, data[:1000], offset))
    ends[0].send([np.arange(5000), np.arange(7)])
    got = ends[1].receive()
    assert (got[0] == np.arange(5000)).all() and (got[1] == np.arange(7)).all()


@asks_linux
def test_without_memfd_a_temporary_file_serves(ends, monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    file = nameless_file()
    assert "deleted" in os.readlink(f"/proc/self/fd/{file}")
    os.close(file)
    ends[0].send(np.arange(10))
    assert ends[1].receive().tolist() == list(range(10))
