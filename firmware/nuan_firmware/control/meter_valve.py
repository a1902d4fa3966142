"""The valve in a CJ/T 188 meter that the site allows by name; loaded where there is one.

The order is an exchange like any: asked on the meter's line between two turns, journaled with its
answer. Here alone a node sends more than questions, and only the two commands that move a valve.
"""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand

if TYPE_CHECKING:
    from nuan_firmware.node import Node

_RETRY_S = const(300)
_RETRY_S_MAX = const(3600)


class MeterValve:
    """The valve of the meter in a slot: told at a beat of the supervisor, until the meter agrees.

    After a boot nobody knows how it stands: the first order is to shut.
    """

    def __init__(self, node: "Node", slot: int) -> None:
        self._node = node
        self._slot = slot
        self._wanted = False
        self._told: "bool | None" = None
        self._is_busy = False
        self._next_s = 0
        self._pause_s = _RETRY_S
        node.supervisor.on_beat.append(self.tick)

    def put(self, demand: int, is_open: bool) -> None:  # noqa: ARG002 - as a pin's valve has it
        """Want it open or shut."""
        if is_open != self._wanted:
            self._wanted = is_open
            self._next_s = 0

    def tick(self, now_s: int) -> None:
        """Tell the meter what it hasn't been told."""
        if self._told != self._wanted and not self._is_busy and now_s >= self._next_s:
            self._is_busy = True
            asyncio.create_task(self._order(self._wanted, now_s))  # noqa: RUF006

    async def _order(self, is_open: bool, now_s: int) -> None:
        from nuan_firmware.control import valve_order

        done = False
        try:
            done = await valve_order.send(self._node.pollers, self._slot, is_open)
        except Exception as problem:
            self._node.supervisor.fault("valve of slot %d" % self._slot, problem)
        finally:
            self._is_busy = False
            on_demand.unload("control.valve_order")
        if done:
            self._told = is_open
            self._pause_s = _RETRY_S
        else:
            self._next_s = now_s + self._pause_s
            self._pause_s = min(2 * self._pause_s, _RETRY_S_MAX)
