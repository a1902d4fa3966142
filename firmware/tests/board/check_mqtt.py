from nuan_firmware import mqtt

NODE = "6e75616e00000001"


def refused(call, *arguments):
    try:
        call(*arguments)
    except mqtt.MqttError as problem:
        return str(problem)
    raise AssertionError("not refused")


def test_connect_says_who_with_a_clean_session():
    packet = mqtt.connect("nuan-" + NODE, "", "", 120)
    assert packet == b"\x10\x21\x00\x04MQTT\x04\x02\x00\x78\x00\x15nuan-" + NODE.encode()


def test_connect_with_a_user_carries_both_flags_and_texts():
    packet = mqtt.connect("n", "user", "pass", 300)
    assert packet[:2] == b"\x10\x19"
    assert packet[9:12] == b"\xc2\x01\x2c"
    assert packet[12:] == b"\x00\x01n\x00\x04user\x00\x04pass"


def test_subscribe_asks_for_qos_1():
    assert mqtt.subscribe(1, "a/b") == b"\x82\x08\x00\x01\x00\x03a/b\x01"


def test_publish_head_counts_the_payload():
    topic = mqtt.text("nuan/v1/x/up")
    head = mqtt.publish_head(topic, 0x1234, 2000)
    size = len(topic) + 2 + 2000
    assert head[:3] == bytes((0x32, size & 0x7F | 0x80, size >> 7))
    assert head[3:] == topic + b"\x12\x34"


def test_puback_repeats_the_number():
    assert mqtt.puback(0xABCD) == b"\x40\x02\xab\xcd"


def feed(packets, data):
    """Give bytes as the socket would; the packets that come out, copied."""
    found = []
    while data:
        space = packets.space()
        count = min(len(space), len(data))
        space[:count] = data[:count]
        packets.filled(count)
        data = data[count:]
        packet = packets.next()
        while packet is not None:
            found.append((packet[0], packet[1], bytes(packet[2])))
            packet = packets.next()
    return found


STREAM = b"".join(
    (
        b"\x20\x02\x00\x00",
        b"\x90\x03\x00\x01\x01",
        b"\x32\x0b\x00\x04down\x00\x01abc",
        b"\xd0\x00",
        b"\x40\x02\x00\x07",
    )
)


def test_packets_come_out_whole_however_the_stream_is_split():
    whole = feed(mqtt.Packets(64), STREAM)
    assert [packet[0] for packet in whole] == [
        mqtt.CONNACK,
        mqtt.SUBACK,
        mqtt.PUBLISH,
        mqtt.PINGRESP,
        mqtt.PUBACK,
    ]
    for size in range(1, len(STREAM)):
        packets = mqtt.Packets(64)
        found = []
        for at in range(0, len(STREAM), size):
            found += feed(packets, STREAM[at : at + size])
        assert found == whole


def test_a_packet_longer_than_the_buffer_is_skipped_whole():
    long = b"\x30\xe8\x07" + bytes(1000)
    for size in (1, 7, 63, 2000):
        packets = mqtt.Packets(64)
        found = []
        stream = STREAM + long + STREAM
        for at in range(0, len(stream), size):
            found += feed(packets, stream[at : at + size])
        assert len(found) == 10


def test_a_length_of_five_bytes_ends_the_connection():
    assert "four bytes" in refused(feed, mqtt.Packets(64), b"\x30\xff\xff\xff\xff\x01")


def test_a_new_connection_forgets_half_a_packet():
    packets = mqtt.Packets(64)
    feed(packets, b"\x32\x20\x00")
    packets.reset()
    assert feed(packets, b"\xd0\x00") == [(mqtt.PINGRESP, 0, b"")]


def test_refusals_are_named():
    assert mqtt.connack_code(b"\x00\x00") == 0
    mqtt.check_suback(b"\x00\x01\x01")
    assert mqtt.connack_code(b"\x00\x05") == 5
    assert refused(mqtt.connack_code, b"")
    assert "subscription" in refused(mqtt.check_suback, b"\x00\x01\x80")


def test_a_publication_gives_its_number_and_payload():
    number, payload = mqtt.publication(2, memoryview(b"\x00\x04down\x00\x09xyz"))
    assert (number, bytes(payload)) == (9, b"xyz")
    number, payload = mqtt.publication(0, memoryview(b"\x00\x04downxyz"))
    assert (number, bytes(payload)) == (0, b"xyz")


def test_publications_that_cannot_be_are_refused():
    for flags, rest in (
        (2, b"\x00\x04do"),
        (2, b"\x00\x04down\x00"),
        (4, b"\x00\x01a\x00\x01"),
        (0, b""),
    ):
        refused(mqtt.publication, flags, memoryview(rest))
