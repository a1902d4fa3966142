"""Data identifiers of 2007 that are seldom read: events, parameters, freezes; see di_tables.py."""

# Events (03) and parameters (04).
DI_2007_RARE = """\
03050000 3u0=count:all_voltage_lost=1 3u0*60=duration:all_voltage_lost=s
03060000 3u0=count:auxiliary_supply_lost=1 3u0*60=duration:auxiliary_supply_lost=s
03110000 3u0=count:power_failure=1
031100nn 6t0=datetime:power_failure_start 6t0=datetime:power_failure_end
03300000 3u0=count:programming=1
033000nn 6t0=datetime:programming 4i0=access_code_operator:programming 40x0=parameter_set
03300100 3u0=count:meter_cleared=1
03300200 3u0=count:demand_cleared=1
03300300 3u0=count:events_cleared=1
03300400 3u0=count:clock_set=1
033004nn 4i0=access_code_operator:clock_set 6t0=datetime:clock_before 6t0=datetime:clock_after
03300D00 3u0=count:cover_opened=1
03300E00 3u0=count:terminal_cover_opened=1
04000101 1u0=day_of_week=1 3d0=date
04000102 3h0=datetime:time_of_day
04000103 1u0*60=averaging_duration:demand=s
04000104 1u0*60=averaging_duration:sliding=s
04000105 2u-3=duration:pulse=s
04000106 5t0=datetime:season_table_switch
04000107 5t0=datetime:day_table_switch
0400010C 3h0=datetime:time_of_day 1u0=day_of_week=1 3d0=date
04000201 1u0=count:seasons=1
04000202 1u0=count:day_tables=1
04000203 1u0=count:day_slots=1
04000204 1u0=count:tariffs=1
04000205 2u0=count:holidays=1
04000206 1u0=count:harmonics=1
04000301 1u0=count:screens=1
04000302 1u0=duration:screen=s
04000303 1u0=count:energy_decimals=1
04000304 1u0=count:power_decimals=1
04000305 1u0=count:key_screens=1
04000306 3u0=dimensionless:current_transformer_ratio=1
04000307 3u0=dimensionless:voltage_transformer_ratio=1
04000401 6i0=bus_address
04000402 6i0=fabrication_number
04000403 32a0=enhanced_identification
04000404 6a0=parameter_set:rated_voltage
04000405 6a0=parameter_set:rated_current
04000406 6a0=parameter_set:maximum_current
04000407 4a0=parameter_set:active_class
04000408 4a0=parameter_set:reactive_class
04000409 3u0=dimensionless:pulses_per_kwh=1
0400040A 3u0=dimensionless:pulses_per_kvarh=1
0400040B 10a0=model_version
0400040C 10a0=parameter_set:production_date
0400040D 16a0=software_version:protocol
0400040E 6i0=customer
04000501 2f0=error_flags:word_1=1
04000502 2f0=error_flags:word_2=1
04000503 2f0=error_flags:word_3=1
04000504 2f0=error_flags:word_4=1
04000505 2f0=error_flags:word_5=1
04000506 2f0=error_flags:word_6=1
04000507 2f0=error_flags:word_7=1
04000601 1b0=parameter_set:active_combination=1
04000602 1b0=parameter_set:reactive_combination1=1
04000603 1b0=parameter_set:reactive_combination2=1
04000701 1r0=baud_rate:infrared=Bd
04000702 1r0=baud_rate:contact_infrared=Bd
04000703 1r0=baud_rate:port1=Bd
04000704 1r0=baud_rate:port2=Bd
04000705 1r0=baud_rate:port3=Bd
04000901 1b0=parameter_set:load_record_mode=1
04000A01 4m0=datetime:load_record_start
04000A02 2u0*60=storage_interval:class1=s
04000A03 2u0*60=storage_interval:class2=s
04000A04 2u0*60=storage_interval:class3=s
04000A05 2u0*60=storage_interval:class4=s
04000A06 2u0*60=storage_interval:class5=s
04000A07 2u0*60=storage_interval:class6=s
04000B01 2e0=date:settlement1
04000B02 2e0=date:settlement2
04000B03 2e0=date:settlement3
04800001 32a0=software_version
04800002 32a0=hardware_version
04800003 32a0=fabrication_number:maker
"""

# 03dd0000: how often and how long each phase was in trouble, all phases in one answer.
PHASE_EVENTS = """\
01 voltage_lost
02 voltage_low
03 voltage_high
04 phase_broken
0B current_lost
0C current_high
0D current_broken
"""

# 05dd..nn: what the meter kept when something happened, and the data behind DI1.
FREEZES = """\
00 timed_freeze
01 instant_freeze
02 season_table_freeze
03 day_table_freeze
04 hourly_freeze
05 price_freeze
06 daily_freeze
"""

FREEZE_DATA = """\
00 5t0=datetime
01 +4u1=energy=Wh
02 +4u1=energy:backward=Wh
03 +4s1=energy_reactive:combined1=varh
04 +4s1=energy_reactive:combined2=varh
05 +4u1=energy_reactive:q1=varh
06 +4u1=energy_reactive:q2=varh
07 +4u1=energy_reactive:q3=varh
08 +4u1=energy_reactive:q4=varh
09 +3u-1=^power=W 5t0=^datetime:power
0A +3u-1=^power:backward=W 5t0=^datetime:power:backward
"""
