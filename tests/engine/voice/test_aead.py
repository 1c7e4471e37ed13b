import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.voice import aead
from engine.voice.aead import NonceExhaustedError, TransportCipher
from simulator.transport import Audio, Dress, TransportKey

KEY = bytes(range(32))
HEADER = b"\x80\x78\0\1\0\0\0\2\0\0\0\3"


@pytest.mark.parametrize("mode", aead.MODES)
def test_there_and_back(mode):
    sealed = TransportCipher(mode, KEY).encrypt(HEADER, b"opus")
    assert TransportCipher(mode, KEY).decrypt(sealed, len(HEADER)) == b"opus"


@pytest.mark.parametrize("mode", aead.MODES)
def test_the_other_side_understands(mode):
    sealed = TransportCipher(mode, KEY).encrypt(HEADER, b"opus")
    assert TransportKey(mode, KEY).open(sealed) == Audio(3, 1, 2, b"opus")
    theirs = TransportKey(mode, KEY).seal(Audio(3, 1, 2, b"opus"), Dress(2, 5))
    assert TransportCipher(mode, KEY).decrypt(theirs, 16)[8:12] == b"opus"


@pytest.mark.parametrize("mode", aead.MODES)
def test_every_packet_has_another_nonce(mode):
    cipher = TransportCipher(mode, KEY)
    assert len({cipher.encrypt(HEADER, b"same") for _ in range(100)}) == 100


@pytest.mark.parametrize("mode", aead.MODES)
def test_the_last_nonce_is_the_last(mode):
    cipher = TransportCipher(mode, KEY)
    cipher._nonce = aead.LAST_NONCE
    cipher.encrypt(HEADER, b"x")
    with pytest.raises(NonceExhaustedError):
        cipher.encrypt(HEADER, b"x")


@pytest.mark.parametrize("mode", aead.MODES)
@given(position=st.integers(0, 200), bit=st.integers(0, 7))
def test_a_changed_bit_is_noticed(mode, position, bit):
    sealed = bytearray(TransportCipher(mode, KEY).encrypt(HEADER, b"opus"))
    sealed[position % len(sealed)] ^= 1 << bit
    assert TransportCipher(mode, KEY).decrypt(bytes(sealed), len(HEADER)) is None


@pytest.mark.parametrize("mode", aead.MODES)
@given(data=st.binary(max_size=80), size=st.integers(0, 90))
def test_any_bytes_are_refused(mode, data, size):
    assert TransportCipher(mode, KEY).decrypt(data, size) is None


@pytest.mark.parametrize(("mode", "key"), [("xsalsa20_poly1305", KEY), (aead.AES_GCM, KEY[:-1])])
def test_unknown_mode_and_short_key(mode, key):
    with pytest.raises(ValueError, match=r"mode|bytes"):
        TransportCipher(mode, key)
