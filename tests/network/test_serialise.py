"""A network file gives back the network that was written, and refuses everything else with a sentence."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qana_desktop.network import arithmetic
from qana_desktop.network.golden import golden_images
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.network.serialise import (
    Arrays,
    NetworkFileRefused,
    arrays_from_bytes,
    arrays_to_bytes,
    network_from_bytes,
    network_to_bytes,
)
from qana_desktop.network.validate import NetworkRefused
from tests.support.bundles import small_network
from tests.support.random_networks import networks

relaxed = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))


@relaxed
@given(networks())
def test_a_network_that_is_read_back_is_the_one_that_was_written(network: IntegerNetwork) -> None:
    content = network_to_bytes(network)
    again = network_from_bytes(content)
    assert network_to_bytes(again) == content
    images = golden_images(network.input_shape)
    for found, expected in zip(arithmetic.run(again, images), arithmetic.run(network, images), strict=True):
        assert np.array_equal(found, expected)


def changed(change: Callable[[dict[str, object], Arrays], None]) -> bytes:
    """A network file whose structure or arrays were changed."""
    arrays = arrays_from_bytes(network_to_bytes(small_network()), document="network.npz")
    structure = json.loads(arrays.pop("structure").tobytes())
    change(structure, arrays)
    encoded = np.frombuffer(json.dumps(structure).encode(), np.uint8)
    return arrays_to_bytes({"structure": encoded, **arrays})


def test_an_unchanged_structure_is_read() -> None:
    network_from_bytes(changed(lambda structure, arrays: None))


def test_a_later_minor_version_with_unknown_keys_is_read() -> None:
    network_from_bytes(changed(lambda structure, arrays: structure.update(schema="1.9", colour="blue")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda structure, arrays: structure.update(schema="2.0"), "is 2.0 and this program reads 1.x"),
        (lambda structure, arrays: structure.update(schema="one"), "must be like '1.0'"),
        (lambda structure, arrays: structure.update(colour="blue"), "unknown 'colour'"),
        (lambda structure, arrays: structure.pop("classes"), "has no 'classes'"),
        (lambda structure, arrays: structure.update(input_shape=[32, 32]), "must have 3 elements"),
        (lambda structure, arrays: structure["layers"][0].update(kind="lstm"), "must be one of"),
        (lambda structure, arrays: structure["layers"][0].update(activation_bits=0), "must have an activation"),
        (lambda structure, arrays: arrays.pop("1.pointwise"), "has no array '1.pointwise'"),
        (lambda structure, arrays: arrays.update({"0.step": np.ones(8)}), "of float64, not float32"),
    ],
)
def test_a_damaged_structure_is_refused_with_the_place(
    change: Callable[[dict[str, object], Arrays], None], words: str
) -> None:
    with pytest.raises(NetworkFileRefused) as refusal:
        network_from_bytes(changed(change))
    assert words in refusal.value.fault.message
    assert refusal.value.fault.remedy


def test_a_readable_network_that_is_not_legal_is_refused_too() -> None:
    with pytest.raises(NetworkRefused):
        network_from_bytes(changed(lambda structure, arrays: structure["layers"][0].update(stride=7)))


@relaxed
@given(st.binary(max_size=200))
def test_bytes_that_are_no_network_are_refused(content: bytes) -> None:
    with pytest.raises(NetworkFileRefused):
        network_from_bytes(content)


@relaxed
@given(cut=st.floats(0, 0.999), flip=st.integers(0, 7))
def test_a_file_with_one_changed_bit_is_read_or_refused_and_a_short_one_refused(cut: float, flip: int) -> None:
    content = bytearray(network_to_bytes(small_network()))
    content[int(cut * len(content))] ^= 1 << flip
    with contextlib.suppress(NetworkFileRefused, NetworkRefused):
        network_from_bytes(bytes(content))
    with pytest.raises(NetworkFileRefused):
        network_from_bytes(bytes(content[: int(cut * len(content))]))


def test_pickled_objects_are_never_loaded() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, structure=np.array([{"a": 1}], dtype=object))
    with pytest.raises(NetworkFileRefused):
        network_from_bytes(buffer.getvalue())
    with pytest.raises(NetworkFileRefused):
        network_from_bytes(pickle.dumps({"structure": 1}))


def test_a_file_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb.npy", "w") as entry:
        for _ in range(300):
            entry.write(bytes(2**20))
    with pytest.raises(NetworkFileRefused, match="more than any network"):
        network_from_bytes(buffer.getvalue())
