"""A month in a cellar, drawn from a seed: noise, dead meters, outages, deaths, and power cuts."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from heapq import heappop, heappush
from random import Random
from typing import Any

from chain_cuts import Ledger
from chain_site import small_site
from chain_world import DAY_MS, HOUR_MS, MINUTE_MS, Chain, MakeChain

from nuan_emulator.console_port import ConsolePort
from nuan_emulator.faults import DeadSpan, FaultRates, LineFaults
from nuan_emulator.time_server import TimeServer
from nuan_tools.node_link.client import ConsoleClient

EVERY_S = 900
SITE = small_site(days=30, heat_s=EVERY_S, room_s=EVERY_S, flush_s=EVERY_S).replace(
    "mqtt = {", 'clock = { ntp = ["10.1.0.1"] }\nmqtt = {'
)
# Three heat meters and the room, each in one telegram.
READINGS_PER_CYCLE = 4
CYCLE_MS = EVERY_S * 1000 + MINUTE_MS
NOISE = FaultRates(
    silence=0.03, noise_before=0.06, noise_after=0.06, cut=0.03, split=0.06, late=0.02, flip=0.04,
    stale=0.03, stranger=0.03, checksum=0.03, parity=0.03, spike=0.06, echo=True,
)  # fmt: skip
QUIET = FaultRates(echo=True)
# What a gateway's clock is wrong by, in seconds.
STEPS_S = (3, 40, -55, 600, -900, 7200, -7200)
SETTLE_MS = 3 * HOUR_MS
_BOOT_OPERATIONS_MAX = 40
_FLUSH_OPERATIONS_MAX = 30


class Soak:
    """A chain and what happens to it; run() lets it all happen, and then a quiet end.

    `node` are parts of the node besides (see NodeSpec).
    """

    def __init__(
        self,
        make_chain: MakeChain,
        seed: int,
        days: int,
        cuts: int,
        *,
        mosquitto: bool = True,
        node: Mapping[str, Any] | None = None,
    ) -> None:
        self._rng = Random(f"{seed}/soak")
        self._days = days
        self._span_ms = days * DAY_MS
        self._server = TimeServer()
        node = {"time_servers": {"10.1.0.1": self._server}, **(node or {})}
        self.chain: Chain = make_chain(
            seed=seed, site=SITE, mosquitto=mosquitto, outages=self._outages(), parts=node
        )
        self.ledger = Ledger(self.chain)
        self.happened: dict[str, int] = {}
        self._dead: tuple[tuple[str, DeadSpan], ...] = ()
        self._plan: list[tuple[int, int, Callable[[], None]]] = []
        self._booked = 0
        self._noisy = False
        self._down = ""
        self._off_ms = 0
        self._plan_meters()
        self._plan_services()
        self._plan_cuts(cuts)
        self._quieten()
        self.ledger.booted(noisy=False)

    def at(self, when_ms: int, action: Callable[[], None]) -> None:
        """Book an action, in milliseconds since the start."""
        self._booked += 1
        heappush(self._plan, (when_ms, self._booked, action))

    def run(self) -> None:
        """Up to the end, with everything back in order for the last hours; the node is off then."""
        chain, world = self.chain, self.chain.world
        while self._plan:
            when_ms, _, action = heappop(self._plan)
            world.run_until(max(world.now_ms, chain.start_ms + when_ms))
            action()
        self._quieten()
        self._set_clock(0)
        self._revive()
        world.run_until(max(world.now_ms, chain.start_ms + self._span_ms) + SETTLE_MS)
        assert chain.node.tunnel.stats.backlog == 0
        chain.node.kill()
        self.ledger.look()

    def count(self, what: str) -> None:
        self.happened[what] = self.happened.get(what, 0) + 1

    # Links.

    def _outages(self) -> tuple[tuple[int, int], ...]:
        """Every third day some minutes to hours without a link, and once some days."""
        rng, found = self._rng, list[tuple[int, int]]()
        long_ms = self._span_ms // 4 + rng.randrange(DAY_MS)
        long = (long_ms, long_ms + round(self._span_ms * 0.1))
        for day in range(0, self._days, 3):
            begin = day * DAY_MS + rng.randrange(2 * DAY_MS)
            end = begin + round(MINUTE_MS * 300 ** rng.random())
            if end < long[0] - HOUR_MS or begin > long[1] + HOUR_MS:
                found.append((begin, min(end, self._span_ms)))
        return tuple(sorted([*found, long]))

    # Meters.

    def _plan_meters(self) -> None:
        """A meter that is dead for days, others for hours; noise for a third of the time."""
        rng, start = self._rng, self.chain.start_ms
        days_ms = round(self._span_ms * 0.1)
        at_ms = rng.randrange(self._span_ms - days_ms)
        spans = [("mbus", DeadSpan(0, start + at_ms, start + at_ms + days_ms))]
        for _ in range(self._days // 4):
            begin = start + rng.randrange(self._span_ms)
            bus, device = rng.choice([("mbus", 1), ("mbus", 2), ("rs485", 0)])
            spans.append((bus, DeadSpan(device, begin, begin + rng.randint(1, 8) * HOUR_MS)))
        self._dead = tuple(spans)
        for day in range(self._days):
            begin = day * DAY_MS + rng.randrange(16 * HOUR_MS)
            self.at(begin, self._disturb)
            self.at(begin + rng.randint(4, 12) * HOUR_MS, self._quieten)

    def _disturb(self) -> None:
        self.count("hours of noise begun")
        self._set_faults(NOISE)

    def _quieten(self) -> None:
        self._set_faults(QUIET)

    def _set_faults(self, rates: FaultRates) -> None:
        self._noisy = rates is NOISE
        self.ledger.noisy |= self._noisy
        for bus in self.chain.site.nodes[0].buses:
            dead = tuple(span for name, span in self._dead if name == bus.name)
            rates_here = replace(rates, dead=dead)
            draw = f"{bus.name}/{self.chain.world.now_ms}"
            self.chain.metered.lines[bus.uart].faults = LineFaults(
                rates_here, self.chain.seed, draw
            )

    # Gateway, broker, clocks, console.

    def _plan_services(self) -> None:
        rng = self._rng
        deaths = [self._kill_gateway, self._kill_broker, self._step_clock, self._lose_ntp]
        for day in range(self._days):
            begin = day * DAY_MS + rng.randrange(12 * HOUR_MS)
            # Each of them comes, however few the days are.
            action = deaths[day] if day < len(deaths) else rng.choice(deaths)
            self.at(begin, action)
            self.at(begin + rng.randint(5, 600) * MINUTE_MS, self._revive)
            if day % 3 == 1:
                self.at(day * DAY_MS + rng.randrange(DAY_MS), self._use_console)

    def _kill_gateway(self) -> None:
        self.count("deaths of the gateway")
        self._down = "gateway"
        self.chain.kill_gateway()

    def _kill_broker(self) -> None:
        self.count("deaths of the broker")
        broker = self.chain.mosquitto
        if broker is None:
            self._kill_gateway()
            return
        self._down = "broker"
        broker.kill()
        self.chain.node.tunnel.forgive()

    def _step_clock(self) -> None:
        self.count("steps of the gateway's clock")
        self._set_clock(self._rng.choice(STEPS_S))

    def _set_clock(self, ahead_s: int) -> None:
        world = self.chain.world
        world.clock_ahead_ms = ahead_s * 1000
        world.set_clock(world.now_ms)

    def _lose_ntp(self) -> None:
        self.count("losses of the time server")
        self._server.is_silent = True

    def _revive(self) -> None:
        self._server.is_silent = False
        self._set_clock(0)
        chain, broker = self.chain, self.chain.mosquitto
        before = broker.subscriptions() if broker else 0
        if self._down == "gateway":
            chain.start_gateway()
        elif broker and self._down == "broker":
            broker.start()
        if broker and self._down:
            broker.await_subscription(before + 1)
            chain.node.tunnel.expect()
        self._down = ""

    def _use_console(self) -> None:
        chain = self.chain
        if not chain.node.running:
            return
        self.count("uses of the console")
        client = ConsoleClient(ConsolePort(chain.world, chain.node))
        client.unlock(chain.key)
        for command in ("status", "meters", "link", "log"):
            client.request(command)

    # Power.

    def _plan_cuts(self, count: int) -> None:
        """A cut each `slot_ms`; one in five is followed by one in the boot."""
        rng = self._rng
        done = 0
        singles = round(count / 1.2)
        slot_ms = self._span_ms // singles
        for slot in range(singles):
            follows = min(count - done - (singles - slot), rng.choice((0, 0, 0, 0, 1, 1)))
            self._plan_cut(slot * slot_ms + rng.randrange(slot_ms // 2), max(0, follows))
            done += 1 + max(0, follows)

    def _plan_cut(self, at_ms: int, follows: int) -> None:
        rng = self._rng
        kind = rng.choice(("at rest", "in a cycle", "in a flush", "in a flush"))
        if kind == "in a cycle":
            at_ms += -at_ms % (EVERY_S * 1000) + rng.randrange(20_000)
        operations = rng.randint(1, _FLUSH_OPERATIONS_MAX) if kind == "in a flush" else 0
        self.at(at_ms, lambda: self.cut(operations))
        at_ms += rng.randint(10, 40) * MINUTE_MS
        self.at(at_ms, self.restore)
        for _ in range(follows):
            again = rng.randint(1, _BOOT_OPERATIONS_MAX)
            self.at(at_ms, lambda again=again: self.cut(again))  # type: ignore[misc]
            at_ms += rng.randint(16, 20) * MINUTE_MS
            self.at(at_ms, self.restore)

    def cut(self, operations: int) -> None:
        """The power goes now, or in the middle of the n-th flash operation from now."""
        node = self.chain.node
        if operations:
            node.power_cut(operations)
        elif node.running:
            self._off_ms = self.chain.world.now_ms
            node.kill()

    def restore(self) -> None:
        """Power again; what hasn't gone yet goes now."""
        node = self.chain.node
        torn_ms = node.power_lost_at_ms
        node.kill()
        off_ms = torn_ms or self._off_ms or self.chain.world.now_ms
        self._off_ms = 0
        self.ledger.cut(off_ms, in_flash_operation=torn_ms is not None)
        node.restart()
        self.ledger.booted(noisy=self._noisy)
