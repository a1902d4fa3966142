"""Credit: what all nodes hold together never exceeds the total, and nobody starves for long."""

from hypothesis import given
from hypothesis import strategies as st

from nuan_gateway.ingest.credit import CREDIT_NODE_MAX, LEASE_MS, Credits


def test_a_lone_node_gets_plenty():
    assert Credits(64).grant("a", 0) == CREDIT_NODE_MAX


def test_the_smallest_total_still_serves_one():
    credit = Credits(1)
    assert credit.grant("a", 0) == 1
    assert credit.grant("b", 1000) == 0
    assert credit.grant("a", 2000) == 1
    assert credit.grant("b", 2000 + LEASE_MS) == 1


def test_many_nodes_share_and_the_late_ones_wait():
    credit = Credits(64)
    grants = [credit.grant(f"n{n}", 0) for n in range(200)]
    assert grants[0] == CREDIT_NODE_MAX
    assert sum(grants) == 64 == credit.granted(0)
    assert min(grants) == 0
    # The early ones' next answers give room to others.
    for n in range(200):
        credit.grant(f"n{n}", 1000)
    later = [credit.grant(f"n{n}", 2000) for n in range(200)]
    assert sum(later) <= 64
    assert max(later) <= 2
    assert sum(1 for grant in later if grant) >= 32


@given(
    st.integers(1, 100),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20_000)), max_size=200),
)
def test_running_leases_never_exceed_the_total(total, turns):
    credit = Credits(total)
    now_ms = 0
    for node, pause_ms in turns:
        now_ms += pause_ms
        grant = credit.grant(str(node), now_ms)
        assert 0 <= grant <= CREDIT_NODE_MAX
        assert credit.granted(now_ms) <= total
