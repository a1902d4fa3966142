"""Both searches on a small bus, on CPython and on the board: what they ask, find and remember."""

import gc
import sys

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus import secondary
from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.mbus.search import Search
from nuan_protocols.mbus.search_primary import PrimarySearch

E5 = b"\xe5"
HEAP_BYTES_MAX = 30 * 1024


class Bus:
    """Meters that answer at once, all together: a 0 bit overrides a 1, unless `late` parts them."""

    def __init__(self, printed, late=True):
        self.meters = [secondary.wire(text) for text in printed]
        self.late = late
        self.selected = []

    def hear(self, request):
        if request[0] == 0x68 and request[6] == 0x52:
            self.selected = [m for m in self.meters if secondary.matches(request[7:15], m)]
            return E5 if self.selected else b""
        answers = [
            long_frame(8, 0, 0x72, m + b"\x01\x00\x00\x00\x01\x06\x05") for m in self.selected
        ]
        mixed = b""
        for index, answer in enumerate(answers):
            one = (b"\xff" * index if self.late else b"") + answer
            size = max(len(mixed), len(one))
            mixed += b"\xff" * (size - len(mixed))
            one += b"\xff" * (size - len(one))
            mixed = bytes([mixed[at] & one[at] for at in range(size)])
        return mixed


def drive(search, bus, questions=100000):
    request = search.request()
    while request is not None and questions:
        reply = bus.hear(request)
        if reply:
            search.feed(reply[:1])
            search.feed(reply[1:])
        assert search.waiting
        assert search.wanted() > 0
        search.timeout()
        questions -= 1
        request = search.request() if questions else None


def found(search):
    return sorted([secondary.printed(hit) for hit in search.hits])


def test_meters_are_found_whatever_their_digits():
    meters = ["000000012C2D0104", "0000000A2C2D0104", "123456782C2D0104", "123456772C2D0104"]
    search = Search()
    drive(search, Bus(meters))
    assert found(search) == sorted(meters)
    assert search.selects < 60


def test_two_with_one_identification_and_a_third_of_another_maker():
    meters = ["123456782C2D0104", "123456782C2D0107", "12345678A51101 04".replace(" ", "")]
    search = Search()
    drive(search, Bus(meters))
    assert found(search) == sorted(meters)


def test_answers_in_unison_make_no_ghost():
    # Identifications 1 and 2 mixed are 0, and the sum fits: a valid telegram of nobody.
    meters = ["000000012C2D0104", "000000022C2D0104"]
    search = Search()
    drive(search, Bus(meters, late=False))
    assert found(search) == meters


def test_a_stopped_search_goes_on():
    meters = ["000000012C2D0104", "000000112C2D0104", "000001112C2D0104"]
    search = Search()
    bus = Bus(meters)
    for _ in range(200):
        drive(search, bus, 7)
        search = Search(search.state())
        if search.progress_permille() == 1000:
            break
    drive(search, bus)
    assert found(search) == meters


def test_a_state_that_is_none_is_refused():
    for state in (
        "x",
        "[]",
        "{}",
        '["nuan mbus search 1", 1]',
        '["other", [], [], [], [], [], [], 0, 0]',
    ):
        reason = ""
        try:
            Search(state)
        except FrameError as error:
            reason = error.reason
        assert "state of a search" in reason, state


def test_primary_addresses():
    class Primary:
        def hear(self, request):
            if request[2] != 7:
                return b""
            if request[1] == 0x40:
                return request + E5
            return request + long_frame(8, 7, 0x72, bytes(12))

    search = PrimarySearch(5, 9)
    drive(search, Primary())
    assert search.hits == [(7, bytes(8))]
    assert search.sent == 7
    assert search.progress_permille() == 1000


def test_a_search_fits_the_boards_heap():
    # In a browser nothing is collected while a function runs.
    if sys.implementation.name != "micropython" or sys.platform == "webassembly":
        return
    bus = Bus([f"{number * 1234567:08d}2C2D0104" for number in range(1, 21)])
    for name in [name for name in sys.modules if name.startswith("nuan_protocols")]:
        del sys.modules[name]
    gc.collect()
    before = gc.mem_alloc()
    from nuan_protocols.mbus.search import Search

    search = Search()
    drive(search, bus)
    assert len(search.hits) == 20
    gc.collect()
    assert gc.mem_alloc() - before < HEAP_BYTES_MAX, gc.mem_alloc() - before
