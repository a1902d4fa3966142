"""The closed vocabulary of quantities, and the base units each may carry.

A reading's `quantity` is one name of UNITS_OF, optionally followed by qualifiers that narrow it,
each after a colon: "voltage:l1", "energy:backward". A consumer that asks for "energy" therefore
never gets a limit value or a backward register by mistake.

A "text_unit" is the one exception: its unit is what the meter wrote. A rate keeps the
unit of what is counted: "volume:per_hour" is in m3, the hour is in the name.

A meter model may count in a unit of its maker's own: a Unit says what it is worth.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple

    class Unit(NamedTuple):
        """A maker's own unit: one `name` is exactly numerator / denominator of `base`.

        quantity   what it counts, without qualifiers; `base` is one of that quantity's UNITS_OF
        code       the unit's byte in CJ/T 188; None: it has none
        """

        name: str
        quantity: str
        numerator: int
        denominator: int
        base: str
        code: "int | None"

else:
    from collections import namedtuple

    Unit = namedtuple("Unit", ("name", "quantity", "numerator", "denominator", "base", "code"))

# Quantity -> base units. "1" is a bare number, "" is no unit (text, date, raw bytes).
UNITS_OF: dict[str, tuple[str, ...]] = {
    "energy": ("Wh", "J", "cal", "Btu"),
    "energy_reactive": ("varh",),
    "energy_apparent": ("VAh",),
    "volume": ("m3", "ft3", "gal"),
    "mass": ("kg",),
    "power": ("W", "J/h", "Btu/s"),
    "power_reactive": ("var",),
    "power_apparent": ("VA",),
    "volume_flow": ("m3/h", "m3/s", "gal/h"),
    "mass_flow": ("kg/h",),
    "flow_temperature": ("degC", "degF"),
    "return_temperature": ("degC", "degF"),
    "external_temperature": ("degC", "degF"),
    "room_temperature": ("degC", "degF"),
    "device_temperature": ("degC",),
    "temperature_limit": ("degC", "degF"),
    "temperature_difference": ("K", "degF"),
    "relative_humidity": ("%",),
    "pressure": ("bar",),
    "voltage": ("V",),
    "current": ("A",),
    "frequency": ("Hz",),
    "power_factor": ("1",),
    "phase_angle": ("deg",),
    "harmonic_distortion": ("%",),
    "heat_cost_units": ("1",),
    "on_time": ("s", "month", "year"),
    "operating_time": ("s", "month", "year"),
    "averaging_duration": ("s", "month", "year"),
    "actuality_duration": ("s", "month", "year"),
    "duration": ("s", "month", "year"),
    "duration_since_readout": ("s", "month", "year"),
    "tariff_duration": ("s", "month", "year"),
    "tariff_period": ("s", "month", "year"),
    "storage_interval": ("s", "month", "year"),
    "battery_time": ("s", "month", "year"),
    "battery_remaining": ("s",),
    "duration_since_cumulation": ("s", "month", "year"),
    "transmission_period": ("s",),
    "second_of_minute": ("s",),
    "response_delay": ("bit",),
    "date": ("",),
    "datetime": ("",),
    "battery_change": ("",),
    "tariff_start": ("",),
    "fabrication_number": ("1", ""),
    "enhanced_identification": ("1", ""),
    "bus_address": ("1", ""),
    "customer_location": ("1", ""),
    "customer": ("1", ""),
    "credit": ("1",),
    "debit": ("1",),
    "access_number": ("1", ""),
    "medium": ("1", ""),
    "manufacturer": ("1", ""),
    "parameter_set": ("1", ""),
    "model_version": ("1", ""),
    "hardware_version": ("1", ""),
    "firmware_version": ("1", ""),
    "software_version": ("1", ""),
    "access_code_user": ("1", ""),
    "access_code_operator": ("1", ""),
    "access_code_system_operator": ("1", ""),
    "access_code_developer": ("1", ""),
    "password": ("1", ""),
    "error_flags": ("1", ""),
    "error_mask": ("1", ""),
    "security_key": ("",),
    "digital_output": ("1", ""),
    "digital_input": ("1", ""),
    "baud_rate": ("Bd",),
    "retry": ("1",),
    "remote_control": ("1", ""),
    "storage_first": ("1",),
    "storage_last": ("1",),
    "storage_block_size": ("1",),
    "tariff_information": ("",),
    "dimensionless": ("1", ""),
    "reset_counter": ("1",),
    "cumulation_counter": ("1",),
    "control_signal": ("1", ""),
    "day_of_week": ("1",),
    "week_number": ("1",),
    "day_change": ("",),
    "daylight_saving": ("",),
    "listening_window": ("",),
    "stop_counter": ("1",),
    "count": ("1",),
    "operator_data": ("",),
    "data_container": ("",),
    "parameter_activation_state": ("1", ""),
    "supplier_information": ("1", ""),
    "rf_level": ("dBm",),
    "manufacturer_specific": ("",),
    "any": ("",),
    "text_unit": ("",),
    "unknown": ("",),
}


def base(quantity: str) -> str:
    """The quantity without its qualifiers: "voltage:l1" -> "voltage"."""
    return quantity.split(":", 1)[0]


def own_unit(
    name: str,
    quantity: str,
    numerator: int,
    denominator: int,
    base_unit: str,
    code: "int | None" = None,
) -> Unit:
    """A unit worth numerator / denominator of one of the quantity's own; ValueError if it can't."""
    known = UNITS_OF.get(quantity, ())
    if base_unit not in known:
        raise ValueError(
            f"unit {name!r}: {base_unit!r} is no unit of {quantity!r}; write one of "
            + (", ".join(known) or "its own quantity's units")
        )
    if name in known:
        raise ValueError(f"unit {name!r} is one of {quantity} already; leave it out")
    if numerator <= 0 or denominator <= 0:
        raise ValueError(f"unit {name!r}: {numerator}/{denominator} is no positive fraction")
    return Unit(name, quantity, numerator, denominator, base_unit, code)
