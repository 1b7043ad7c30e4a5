"""The artefact store: a file is whole and what its name says, or it is not there."""

import hashlib
import os
import random
import resource
import signal
import time

import pytest

from slipway.artefacts.store import Store, StoreError
from tests.support.stored import put

DATA = random.Random(1).randbytes(3_000_000)  # the same in each process of a run
HASH = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def leftovers(store):
    return list((store.root / "incoming").iterdir())


def test_what_is_added_is_there(store):
    assert not store.has(HASH)
    path = put(store, DATA)
    assert path == store.path(HASH) == store.root / HASH[:2] / HASH[2:]
    assert store.has(HASH)
    assert path.read_bytes() == DATA
    assert put(store, DATA) == path
    assert leftovers(store) == []


def test_blocks_come_one_by_one(store):
    incoming = store.open_incoming()
    for at in range(0, len(DATA), 65_536):
        incoming.write(DATA[at : at + 65_536])
    assert not store.has(HASH)
    assert incoming.commit(HASH, len(DATA)).read_bytes() == DATA
    incoming.abort()
    assert store.has(HASH)


def test_an_empty_file_is_a_file(store):
    empty = hashlib.sha256(b"").hexdigest()
    assert store.open_incoming().commit(empty, 0).read_bytes() == b""


@pytest.mark.parametrize(
    ("sha256", "size"), [("0" * 64, len(DATA)), (HASH, len(DATA) + 1), (HASH, 3)]
)
def test_another_file_is_refused(store, sha256, size):
    incoming = store.open_incoming()
    incoming.write(DATA)
    with pytest.raises(StoreError, match=f"altered or cut short: {len(DATA)} bytes, sha256 {HASH}"):
        incoming.commit(sha256, size)
    assert leftovers(store) == []
    assert not store.has(sha256)


def test_an_upload_that_breaks_off_leaves_nothing(store):
    incoming = store.open_incoming()
    incoming.write(DATA)
    incoming.abort()
    incoming.abort()
    with pytest.raises(RuntimeError), store.open_incoming():
        raise RuntimeError
    assert leftovers(store) == []


@pytest.mark.parametrize("name", ["", "../../etc/passwd", HASH.upper(), HASH[:-1], HASH + "\n"])
def test_only_hashes_are_names(store, name):
    with pytest.raises(StoreError, match="is no SHA-256"):
        store.has(name)


def test_damage_is_mended_by_adding_again(store):
    put(store, DATA).write_bytes(b"damaged")
    assert put(store, DATA).read_bytes() == DATA


@pytest.mark.parametrize("blocks", [[DATA], [DATA[:10], DATA[10:50], DATA[50:]], [b"x"] * 9])
def test_a_full_disk_leaves_nothing(store, blocks):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    incoming = store.open_incoming()
    data = b"".join(blocks)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, before[1]))
    try:
        with pytest.raises(StoreError, match="the disk is full"):
            receive(incoming, blocks, data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert leftovers(store) == []
    assert not store.has(hashlib.sha256(data).hexdigest())


def receive(incoming, blocks, data):
    for block in blocks:
        incoming.write(block)
    incoming.commit(hashlib.sha256(data).hexdigest(), len(data))


def test_a_place_that_is_no_folder_is_told(tmp_path):
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError, match="cannot take a file: "):
        Store(tmp_path / "store").open_incoming()


def test_what_killed_uploads_left_is_swept(store):
    store.open_incoming().abort()
    for name in ("old.part", "young.part"):
        (store.root / "incoming" / name).write_bytes(b"half")
    old = store.root / "incoming" / "old.part"
    os.utime(old, (time.time() - 100_000,) * 2)
    assert store.sweep() == 1
    assert len(leftovers(store)) == 1
    assert store.sweep(age=-1) == 1
