"""A loader goes on where another was: at each batch, in each epoch, for each kind of order and worker."""

import json

import numpy as np
import pytest

from tinygrad_cv import data

from .samples import QUICK, WAYS, Noise, NoiseStream, plain

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def uneven():
    """A batch_sampler with batches of different sizes, in an order of its own in each epoch."""

    class Uneven(data.Sampler):
        def __iter__(self):
            order = data.RandomSampler(range(23))
            sizes = np.array([3, 1, 7, 2, 10])
            return iter([part.tolist() for part in np.split(np.array(list(order)), sizes.cumsum()[:-1])])

        def __len__(self):
            return 5

    return Uneven()


LOADERS = {
    "shuffled": lambda **more: data.DataLoader(Noise(), 4, shuffle=True, **more),
    "weighted": lambda **more: data.DataLoader(
        Noise(), 4, sampler=data.WeightedRandomSampler(range(23), 23, generator=np.random.default_rng(1)), **more
    ),
    "no batches": lambda **more: data.DataLoader(Noise(5), None, shuffle=True, **more),
    "uneven batches": lambda **more: data.DataLoader(Noise(), batch_sampler=uneven(), **more),
    "stream": lambda **more: data.DataLoader(NoiseStream(), 4, **more),
    "stream, no batches": lambda **more: data.DataLoader(NoiseStream(5), None, **more),
}


def taken(loader, count):
    """So many batches, over epochs."""
    found = []
    while len(found) < count:
        for batch in loader:
            found.append(plain(batch))
            if len(found) == count:
                break
    return found


@pytest.mark.any_python
@pytest.mark.parametrize("make", LOADERS.values(), ids=LOADERS)
def test_at_each_batch(make):
    length = len(make())
    expected = taken(make(seed=5), 3 * length)
    for position in range(2 * length + 1):
        loader = make(seed=5)
        assert taken(loader, position) == expected[:position]
        state = json.loads(json.dumps(loader.state_dict()))
        assert state["epoch"] * length + state["position"] == position
        resumed = make()
        resumed.load_state_dict(state)
        assert resumed.state_dict() == state
        rest = taken(resumed, len(expected) - position)
        assert rest == expected[position:]


@pytest.mark.parametrize("way", QUICK[1:])
@pytest.mark.parametrize("make", [LOADERS["shuffled"], LOADERS["stream"]], ids=["shuffled", "stream"])
def test_batches_under_way_do_not_count(make, way):
    expected = taken(make(), 12)
    for position in (0, 1, 5, 6, 7):
        loader = make(**WAYS[way])
        taken(loader, position)
        resumed = make(**WAYS[way])
        resumed.load_state_dict(loader.state_dict())
        assert taken(resumed, 12 - position) == expected[position:]


@pytest.mark.any_python
def test_within_the_loop_and_after_it():
    loader = LOADERS["shuffled"]()
    states = [loader.state_dict()]
    for _ in loader:
        states.append(loader.state_dict())
    states.append(loader.state_dict())
    assert [(state["epoch"], state["position"]) for state in states] == [*((0, n) for n in range(7)), (1, 0)]
    again = LOADERS["shuffled"]()
    again.load_state_dict(states[-2])
    assert list(again) == [] and again.epoch == 1


@pytest.mark.any_python
def test_setting_the_epoch_begins_it():
    loader = LOADERS["shuffled"]()
    expected = taken(loader, 18)
    taken(loader, 3)
    loader.epoch = 1
    assert loader.state_dict()["position"] == 0 and taken(loader, 6) == expected[6:12]
    loader.load_state_dict({**loader.state_dict(), "epoch": 1, "position": 4})
    loader.epoch = 2
    assert taken(loader, 6) == expected[12:]
    loader.load_state_dict({**loader.state_dict(), "epoch": 1, "position": 4})
    assert taken(loader, 2) == expected[10:12]
    loader.epoch = 1
    assert taken(loader, 6) == expected[6:12], "a state is gone on from once"


@pytest.mark.any_python
def test_out_of_order_no_batch_comes_twice_and_none_is_lost():
    loader = LOADERS["shuffled"](in_order=False)
    whole = taken(loader, 6)
    resumed = LOADERS["shuffled"]()
    resumed.load_state_dict({**resumed.state_dict(), "position": 1, "ahead": [2, 5]})
    assert [plain(batch) for batch in resumed] == [whole[1], whole[3], whole[4]]
    resumed.load_state_dict({**resumed.state_dict(), "epoch": 0, "position": 1, "ahead": [3]})
    iterator, states = iter(resumed), []
    for _ in range(3):
        next(iterator)
        states.append(resumed.state_dict())
    assert [(state["position"], state["ahead"]) for state in states] == [(2, [3]), (4, []), (5, [])]


@pytest.mark.any_python
@pytest.mark.parametrize(
    "change, message",
    [
        ({"batch_size": 5}, "batch_size is 5 in the state and 4 here; .*the same batch_size"),
        ({"length": 7}, "length is 7 in the state and 6 here"),
        ({"position": -1}, "position is -1"),
        ({"epoch": 1.5}, r"epoch is 1\.5"),
        ({"seed": -1}, "load_state_dict: seed is -1"),
        ({"ahead": [0]}, "ahead is 0; .* at least 2"),
        ({"more": 1}, "the state has seed, .*, more; it must have"),
    ],
)
def test_states_of_other_loaders_are_refused_and_change_nothing(change, message):
    loader = LOADERS["shuffled"]()
    taken(loader, 2)
    before = loader.state_dict()
    with pytest.raises(ValueError, match=message):
        loader.load_state_dict({**before, **change})
    assert loader.state_dict() == before
    with pytest.raises(ValueError, match="the state has nothing"):
        loader.load_state_dict({})
