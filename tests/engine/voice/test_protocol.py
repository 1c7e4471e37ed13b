import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.metrics import Counters
from engine.voice.dave import Binary, DaveGroup, Json
from engine.voice.protocol import (
    Acknowledged,
    Described,
    Hello,
    Left,
    Ready,
    Resumed,
    Spoke,
    VoiceProtocol,
    VoiceServer,
    on_the_wire,
)

SERVER = VoiceServer(1, 2, 3, "session", "secret-token", "host:1")


@pytest.fixture
def protocol():
    return make()


def make():
    return VoiceProtocol(SERVER, DaveGroup(3, 2, lambda: 0.0), Counters())


def events(protocol, op, data, **more):
    return protocol.receive({"op": op, "d": data, **more}).events


def test_identify_offers_encryption_and_the_token_is_not_printed(protocol):
    message = protocol.identify()
    assert message.op == 0
    assert message.data["max_dave_protocol_version"] == 1
    assert message.data["token"] == "secret-token"
    assert "secret-token" not in repr(SERVER)


@pytest.mark.parametrize("interval", [5000, 5000.5])
def test_hello(protocol, interval):
    assert events(protocol, 8, {"heartbeat_interval": interval}) == [Hello(interval / 1000)]


@pytest.mark.parametrize("interval", [None, "soon", float("nan"), float("inf"), 0, -1, []])
def test_a_hello_without_a_usable_interval_still_begins_the_session(protocol, interval):
    assert events(protocol, 8, {"heartbeat_interval": interval}) == events(protocol, 8, None) == [Hello(5.0)]


@pytest.mark.parametrize(("interval", "seconds"), [(1, 0.1), ("41250", 41.25), (10**9, 120.0)])
def test_heartbeats_are_neither_a_flood_nor_forgotten(protocol, interval, seconds):
    assert events(protocol, 8, {"heartbeat_interval": interval}) == [Hello(seconds)]


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none_is_refused(protocol, port):
    assert events(protocol, 2, {"ssrc": 5, "ip": "127.0.0.1", "port": port}) == []


@pytest.mark.parametrize("key", [2**33, 2**44, "k" * 32, {str(n): n for n in range(32)}, [256] * 32, [[]] * 32])
def test_a_key_that_is_not_32_bytes_is_refused_before_it_costs_memory(protocol, key):
    assert events(protocol, 4, {"mode": "aead_aes256_gcm_rtpsize", "secret_key": key}) == []
    assert protocol._counters.get("gateway_malformed") == 1


@pytest.mark.parametrize("version", [-1, 2, 65536])
def test_a_version_we_never_offered_changes_nothing(protocol, version):
    data = {"mode": "aead_aes256_gcm_rtpsize", "secret_key": [0] * 32, "dave_protocol_version": version}
    assert events(protocol, 4, data) == []
    protocol.receive({"op": 21, "d": {"transition_id": 5, "protocol_version": version}})
    protocol.receive({"op": 22, "d": {"transition_id": 5}})
    assert protocol.dave.version == 0
    assert protocol._counters.get("gateway_malformed") == 2


@pytest.mark.parametrize("op", [25, 27, 29, 30])
@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\1noise", b"\1\0noise"])
def test_noise_about_the_group_is_counted_once(protocol, op, payload):
    protocol.dave.start(1)
    protocol.receive_binary(b"\0\1" + bytes([op]) + payload)
    assert protocol._counters.total() == 1


@pytest.mark.parametrize("number", [-1, 1 << 16])
def test_a_transition_with_a_number_that_no_binary_message_has_is_not_kept(protocol, number):
    assert protocol.receive({"op": 21, "d": {"transition_id": number, "protocol_version": 1}}).send == []
    assert not protocol.dave._pending
    assert protocol._counters.get("gateway_malformed") == 1


@pytest.mark.parametrize(
    ("modes", "chosen"),
    [
        (["aead_xchacha20_poly1305_rtpsize", "aead_aes256_gcm_rtpsize"], "aead_aes256_gcm_rtpsize"),
        (["xsalsa20_poly1305", "aead_xchacha20_poly1305_rtpsize"], "aead_xchacha20_poly1305_rtpsize"),
        (["xsalsa20_poly1305"], None),
    ],
)
def test_ready_chooses_a_mode(protocol, modes, chosen):
    ready = {"ssrc": 5, "ip": "127.0.0.1", "port": 9, "modes": modes, "experiments": ["new"]}
    assert events(protocol, 2, ready) == [Ready(5, "127.0.0.1", 9, chosen)]


@pytest.mark.parametrize("version", [0, 1])
def test_description_begins_encryption(protocol, version):
    data = {"mode": "aead_aes256_gcm_rtpsize", "secret_key": list(range(32)), "dave_protocol_version": version}
    result = protocol.receive({"op": 4, "d": data})
    assert result.events == [Described("aead_aes256_gcm_rtpsize", bytes(range(32)))]
    assert [message.op for message in result.send] == [26] * version


@pytest.mark.parametrize("user", ["7", 7])
def test_speaking_and_leaving(protocol, user):
    assert events(protocol, 5, {"speaking": 5, "ssrc": 9, "user_id": user}) == [Spoke(9, 7)]
    assert events(protocol, 13, {"user_id": user}) == [Left(7)]
    assert events(protocol, 6, {"t": 1}) == [Acknowledged()]
    assert events(protocol, 9, None) == [Resumed()]


def test_sequence_is_kept_from_both_kinds(protocol):
    assert protocol.resume().data["seq_ack"] == -1
    protocol.receive({"op": 18, "d": {}, "seq": 4})
    assert protocol.heartbeat(10).data == {"t": 10, "seq_ack": 4}
    protocol.receive_binary(b"\x00\x05\x19whatever")
    protocol.receive({"op": 18, "d": {}})
    assert protocol.resume().data["seq_ack"] == 5


def test_what_goes_on_the_wire():
    assert on_the_wire(Binary(26, b"package")) == b"\x1apackage"
    assert on_the_wire(Json(3, {"t": 1})) == {"op": 3, "d": {"t": 1}}


def test_unknown_and_malformed_are_counted(protocol):
    counters = protocol._counters
    protocol.receive({"op": 99, "d": {}})
    protocol.receive({"op": 18, "d": {}})
    for bad in (None, [], {"op": "x"}, {"op": 13}, {"op": 13, "d": {"user_id": "me"}}, {"op": 2, "d": []}):
        protocol.receive(bad)
    protocol.receive({"op": 4, "d": {"mode": "aead_aes256_gcm_rtpsize", "secret_key": [1, 2]}})
    protocol.receive({"op": 5, "d": {"ssrc": 2**40, "user_id": "1"}})
    protocol.receive_binary(b"\0")
    assert counters.snapshot() == {"gateway_ignored": 2, "gateway_malformed": 9}


def test_what_is_new_is_logged_once_without_its_value_and_within_bounds(protocol, caplog):
    caplog.set_level("INFO")
    for _ in range(3):
        protocol.receive({"op": 99, "d": {}})
        protocol.receive({"op": 18, "d": {"flags": 2}})
        protocol.receive({"op": 6, "d": {"t": 1}})
        protocol.receive({"op": 8, "d": {"v": 8, "heartbeat_interval": 1000, "new": "private"}})
    assert [record.getMessage() for record in caplog.records] == [
        "unknown voice gateway op 99",
        "unknown field 'new' in voice gateway op 8",
    ]
    for n in range(1000):
        protocol.receive({"op": 8, "d": {"heartbeat_interval": 1000, f"new{n}": 1}})
    assert len(caplog.records) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(
    ["ssrc", "ip", "port", "modes", "mode", "secret_key", "user_id", "transition_id", "protocol_version", "epoch"]
)


@given(st.integers(-2, 40), json_values | st.dictionaries(keys, json_values), st.none() | st.integers())
def test_any_json_is_survived(op, data, sequence):
    protocol = make()
    protocol.receive(json.loads(json.dumps({"op": op, "d": data, "seq": sequence})))
    protocol.receive(data)


@given(st.binary(max_size=100))
def test_any_bytes_are_survived(data):
    protocol = make()
    protocol.dave.start(1)
    protocol.receive_binary(data)
