"""The decision about one zone, in integers: what is measured and wanted in, the valve out.

    frost protection > measured above the setting: shut > minimum times > hysteresis or PI

Above the applied setting the valve is never open, whatever a minimum time, a pulse or an exercise
would say; only frost protection stands above that. Times are uptime in seconds, temperatures tenths
of a degree (dc), demands permille of the valve's full opening.
"""

from typing import TYPE_CHECKING

from micropython import const

from nuan_protocols.uplink.body import (
    MODE_EXERCISE,
    MODE_FALLBACK,
    MODE_FROST,
    MODE_NORMAL,
    MODE_OVERRIDE,
    MODE_WARM_UP,
)

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.config_zones import Zone

REASON_BELOW = const(1)
REASON_ABOVE = const(2)
REASON_BETWEEN = const(3)
REASON_FROST = const(4)
REASON_DUTY_ON = const(5)
REASON_DUTY_OFF = const(6)
REASON_MINIMUM_TIME = const(7)
REASON_PROPORTIONAL = const(8)
REASON_OFF = const(9)
REASON_EXERCISE = const(10)

# Ways to drive a valve: two positions by hysteresis, two positions by pulses, any position.
DRIVE_ON_OFF = const(0)
DRIVE_PULSES = const(1)
DRIVE_POSITION = const(2)

EXERCISE_NONE = const(0)
EXERCISE_BELOW = const(1)
EXERCISE_ALWAYS = const(2)

OFF = const(0)
FULL = const(1000)
DUTY_PERIOD_S = const(1800)
_SENSOR_MIN_DC = const(-500)
_SENSOR_MAX_DC = const(1000)
# A room with its valve full open against frost moves by more than a sensor's noise in this time.
STUCK_S = const(21600)
_NOISE_DC = const(2)
# A sensor has so long to speak after a boot before the room is heated without it.
_FIRST_S = const(180)
# A reading that comes late counts for the integral no longer than this.
_STEP_S_MAX = const(900)


class Law:
    """One zone: sense() what is measured, set what is wanted, then decide().

    wanted      requested_dc (OFF: shut but for frost), applied_dc (after the clamp), mode
    decided     demand (permille), is_open, mode, reason; measured_dc is what it went by
    for zones   override (set-point, until, who, why) or (); what was journaled; learned rates and
                the warm-up that is under way
    is_stuck    the sensor stood still while frost protection heated: as silent until it moves
    """

    def __init__(self, zone: "Zone") -> None:
        self.zone = zone
        self.requested_dc = self.applied_dc = min(zone.setpoint_dc, zone.legal_max_dc)
        self.plan = self.mode = MODE_NORMAL
        self.reason = REASON_BETWEEN
        self.measured_dc: "int | None" = None
        self.demand = 0
        self.is_open = False
        self.switches = 0
        self.changed_s = -max(zone.tuning.min_on_s, zone.tuning.min_off_s)
        self.sensed_s = 0
        self._sensed_dc: "int | None" = None
        # What was measured when it last moved, and since when.
        self._held_dc = _SENSOR_MIN_DC - _SENSOR_MAX_DC
        self._held_s = 0
        self.is_stuck = False
        self._decided_s = 0
        # The integral in dc * s; kept while another than the occupied setting holds.
        self._sum = 0
        self._cycle_s = -DUTY_PERIOD_S
        self._pulse_s = self._owed_s = 0
        self.override: "tuple[Any, ...]" = ()
        self.told: "tuple[int, ...]" = ()
        self.told_pct = 0
        self.begun: "tuple[Any, ...]" = ()
        # Twentieths of a kelvin an hour, by class of weather.
        self.rates = bytearray((zone.tuning.heat_up_dc_per_h * 2,) * 4)

    def sense(self, measured_dc: int, now_s: int) -> None:
        """Take a temperature; one that no room has is a broken sensor's, and is not taken."""
        if _SENSOR_MIN_DC <= measured_dc <= _SENSOR_MAX_DC:
            self._sensed_dc = measured_dc
            self.sensed_s = now_s
            if abs(measured_dc - self._held_dc) > _NOISE_DC:
                self._held_dc = measured_dc
                self._held_s = now_s
                self.is_stuck = False

    def own_dc(self, now_s: int) -> "int | None":
        """What the zone's own sensor says, None when it is silent for too long, or stuck."""
        if self._sensed_dc is not None and now_s - self.sensed_s > self.zone.tuning.stale_s:
            self._sensed_dc = None
        return None if self.is_stuck else self._sensed_dc

    def decide(
        self,
        now_s: int,
        substitute_dc: "int | None" = None,
        duty_pct: int = 0,
        exercise: int = EXERCISE_NONE,
    ) -> None:
        """Set demand, is_open, mode and reason.

        substitute_dc   what neighbours measure, for a sensor that is silent
        duty_pct        how far to open when nobody measures
        exercise        EXERCISE_BELOW: open unless the room is above its setting; EXERCISE_ALWAYS:
                        open, for there is no heat in the pipes
        """
        own = self.own_dc(now_s)
        self.measured_dc = substitute_dc if own is None else own
        passed_s = min(now_s - self._decided_s, _STEP_S_MAX)
        self._decided_s = now_s
        if exercise == EXERCISE_ALWAYS and not self._is_frost():
            self._exercise(now_s)
            return
        if self.measured_dc is None:
            self._blind(now_s, duty_pct)
            return
        self.mode = self.plan if own is not None else MODE_FALLBACK
        if self._is_frost():
            self.mode = MODE_FROST
            self.reason = REASON_FROST
            self.demand = FULL
            self._switch(True, now_s)
            # Of its own sensor alone: a mean of others is nobody's fault. Decided anew next time.
            since_s = max(self._held_s, self.changed_s)
            if own is not None and now_s - since_s >= STUCK_S:
                self.is_stuck = True
            return
        if self.applied_dc == OFF or self.measured_dc > self.applied_dc:
            self.reason = REASON_ABOVE if self.applied_dc else REASON_OFF
            self._integrate(passed_s)
            self._shut(now_s)
            return
        if exercise:
            self._exercise(now_s)
        elif self.zone.valve.drive == DRIVE_ON_OFF:
            self._by_hysteresis(now_s)
        else:
            self._by_integral(now_s, passed_s)

    def _exercise(self, now_s: int) -> None:
        self.mode = MODE_EXERCISE
        self.reason = REASON_EXERCISE
        self.demand = FULL
        self._switch(True, now_s)

    def _is_frost(self) -> bool:
        if self.measured_dc is None:
            return False
        limit_dc = self.zone.tuning.frost_dc
        if self.reason == REASON_FROST:
            limit_dc += self.zone.tuning.hysteresis_dc - 1
        return self.measured_dc <= limit_dc

    def _blind(self, now_s: int, duty_pct: int) -> None:
        if not self.sensed_s and now_s <= _FIRST_S:
            # Just booted: the sensor has its time to speak before it counts as stale.
            self.mode = self.plan
            self.reason = REASON_BETWEEN
            return
        self.mode = MODE_FALLBACK
        self.demand = duty_pct * 10 if self.applied_dc else 0
        self._drive(now_s)
        self.reason = REASON_DUTY_ON if self.is_open else REASON_DUTY_OFF

    # -- two positions by hysteresis

    def _by_hysteresis(self, now_s: int) -> None:
        tuning = self.zone.tuning
        below_dc = self.applied_dc - (self.measured_dc or 0)
        wanted = self.is_open
        self.reason = REASON_BETWEEN
        if below_dc <= tuning.overrun_dc:
            self.reason = REASON_ABOVE
            wanted = False
        elif below_dc >= tuning.hysteresis_dc:
            self.reason = REASON_BELOW
            wanted = True
        if wanted != self.is_open and self._must_wait(now_s):
            self.reason = REASON_MINIMUM_TIME
            wanted = self.is_open
        self.demand = FULL if wanted else 0
        self._switch(wanted, now_s)

    # -- PI, and pulses or a position for what it wants

    def _by_integral(self, now_s: int, passed_s: int) -> None:
        tuning = self.zone.tuning
        below_dc = self.applied_dc - (self.measured_dc or 0)
        if self.plan in (MODE_NORMAL, MODE_WARM_UP, MODE_OVERRIDE):
            self._integrate(passed_s)
            held = self._sum // max(1, tuning.band_dc * tuning.reset_s // FULL)
        else:
            # A lower setting is a floor: the room is only kept from falling further.
            held = 0
        demand = FULL * below_dc // tuning.band_dc + held
        self.demand = max(0, min(FULL, demand))
        self.reason = REASON_BELOW if self.demand == FULL else REASON_PROPORTIONAL
        self._drive(now_s)

    def _integrate(self, passed_s: int) -> None:
        """Sum up what is missing, but never further into a limit of the valve (anti-windup)."""
        if self.mode not in (MODE_NORMAL, MODE_OVERRIDE) or self.measured_dc is None:
            return
        tuning = self.zone.tuning
        below_dc = self.applied_dc - self.measured_dc
        most = tuning.band_dc * tuning.reset_s
        demand = FULL * below_dc // tuning.band_dc + self._sum // max(1, most // FULL)
        if (demand >= FULL and below_dc > 0) or (demand <= 0 and below_dc < 0):
            return
        self._sum = max(0, min(most, self._sum + below_dc * passed_s))

    def _drive(self, now_s: int) -> None:
        """Make the demand the valve's: a position as it is, otherwise a share of the time."""
        if self.zone.valve.drive == DRIVE_POSITION:
            self._switch(self.demand > 0, now_s)
        elif self.demand == FULL:
            if self.is_open or not self._must_wait(now_s):
                # As soon as less is wanted, a cycle begins.
                self._cycle_s = now_s - DUTY_PERIOD_S
                self._pulse_s = DUTY_PERIOD_S
                self._owed_s = 0
                self._switch(True, now_s)
        else:
            self._pulse(now_s)

    def _pulse(self, now_s: int) -> None:
        cycle_s = DUTY_PERIOD_S
        if self.zone.valve.drive == DRIVE_PULSES:
            cycle_s = self.zone.tuning.cycle_s
        passed_s = now_s - self._cycle_s
        if passed_s >= cycle_s:
            if self.is_open and self._pulse_s < cycle_s:
                # The tick that should have ended the pulse came late: it is paid back.
                self._owed_s += self._pulse_s - cycle_s
            self._cycle_s = now_s
            passed_s = 0
            self._choose_pulse(cycle_s)
        wanted = passed_s < self._pulse_s
        if wanted != self.is_open and self._must_wait(now_s):
            return
        if self.is_open and not wanted:
            self._owed_s += self._pulse_s - passed_s
        self._switch(wanted, now_s)

    def _choose_pulse(self, cycle_s: int) -> None:
        """What is too short for the valve isn't done but owed; so is what is done too much."""
        tuning = self.zone.tuning
        wanted_s = self.demand * cycle_s // FULL + self._owed_s
        if wanted_s < max(1, tuning.min_on_s):
            self._pulse_s = 0
        elif wanted_s > cycle_s - tuning.min_off_s:
            self._pulse_s = cycle_s
        else:
            self._pulse_s = wanted_s
        self._owed_s = max(-cycle_s, min(cycle_s, wanted_s - self._pulse_s))

    # -- the valve

    def _shut(self, now_s: int) -> None:
        self.demand = 0
        self._pulse_s = self._owed_s = 0
        self._switch(False, now_s)

    def _must_wait(self, now_s: int) -> bool:
        tuning = self.zone.tuning
        passed_s = now_s - self.changed_s
        return passed_s < (tuning.min_on_s if self.is_open else tuning.min_off_s)

    def _switch(self, wanted: bool, now_s: int) -> None:
        if wanted != self.is_open:
            self.is_open = wanted
            self.changed_s = now_s
            self.switches += wanted
