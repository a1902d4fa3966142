"""Every data identifier that is known: what its data say, as text (see items.py for the reader).

    key items...        key     hex digits, DI3 first; a letter stands for numbers:
                                tt tariff 0..63   ss settlement 0..12   pp total and phases 0..3
                                qq phases 1..3    hh harmonic 1..21     nn how many times ago
                                (1997, one digit each: t 0..14, p 0..3, q 1..3)
    item                bytes, kind, exponent [*factor] = [^] quantity [= unit]
                        ^ a maximum; an item with + repeats: total, tariff 1, tariff 2, ...

Kinds: u digits, s digits with the sign in the top bit, b binary, f status bits, r baud rate,
i identifier, a ASCII, t date and time, m the same without year, d date, h time of day, e day of
the month and hour, x kept raw. What `=` would repeat is left out.

Sources and certainty: energy, demand, variables, date, time, address and status words are in
several public implementations and held against recorded frames where there are any; parameters
and event counts follow public tables of DL/T 645-2007 annex A; the freeze layouts (05......) follow
public tables only and were never held against a recorded frame. 1997: DL/T 645-1997 annex A;
9010 and B611 held against recorded frames.

The tables are text because the heap of the board is small.
"""

DI_2007 = """\
0000ttss 4s1=energy:combined=Wh
0001ttss 4u1=energy=Wh
0002ttss 4u1=energy:backward=Wh
0003ttss 4s1=energy_reactive:combined1=varh
0004ttss 4s1=energy_reactive:combined2=varh
0005ttss 4u1=energy_reactive:q1=varh
0006ttss 4u1=energy_reactive:q2=varh
0007ttss 4u1=energy_reactive:q3=varh
0008ttss 4u1=energy_reactive:q4=varh
0009ttss 4u1=energy_apparent=VAh
000Attss 4u1=energy_apparent:backward=VAh
008000ss 4u1=energy:associated=Wh
008100ss 4u1=energy:fundamental=Wh
008200ss 4u1=energy:backward:fundamental=Wh
008300ss 4u1=energy:harmonic=Wh
008400ss 4u1=energy:backward:harmonic=Wh
008500ss 4u1=energy:copper_loss=Wh
008600ss 4u1=energy:iron_loss=Wh
0101ttss 3u-1=^power=W 5t0=^datetime:power
0102ttss 3u-1=^power:backward=W 5t0=^datetime:power:backward
0103ttss 3s-1=^power_reactive:combined1=var 5t0=^datetime:power_reactive:combined1
0104ttss 3s-1=^power_reactive:combined2=var 5t0=^datetime:power_reactive:combined2
0105ttss 3u-1=^power_reactive:q1=var 5t0=^datetime:power_reactive:q1
0106ttss 3u-1=^power_reactive:q2=var 5t0=^datetime:power_reactive:q2
0107ttss 3u-1=^power_reactive:q3=var 5t0=^datetime:power_reactive:q3
0108ttss 3u-1=^power_reactive:q4=var 5t0=^datetime:power_reactive:q4
0109ttss 3u-1=^power_apparent=VA 5t0=^datetime:power_apparent
010Attss 3u-1=^power_apparent:backward=VA 5t0=^datetime:power_apparent:backward
0201qq00 2u-1=voltage=V
0202qq00 3s-3=current=A
0203pp00 3s-1=power=W
0204pp00 3s-1=power_reactive=var
0205pp00 3s-1=power_apparent=VA
0206pp00 2s-3=power_factor=1
0207qq00 2u-1=phase_angle=deg
0208qq00 2u-2=harmonic_distortion:voltage=%
0209qq00 2u-2=harmonic_distortion:current=%
020Aqqhh 2u-2=harmonic_distortion:voltage=%
020Bqqhh 2u-2=harmonic_distortion:current=%
02800001 3s-3=current:neutral=A
02800002 2u-2=frequency=Hz
02800003 3s-1=power:minute_average=W
02800004 3s-1=power:demand=W
02800005 3s-1=power_reactive:demand=var
02800006 3s-1=power_apparent:demand=VA
02800007 2s-1=device_temperature=degC
02800008 2u-2=voltage:clock_battery=V
02800009 2u-2=voltage:reading_battery=V
0280000A 4u0*60=operating_time:battery=s
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
04000501 2f0=error_flags:status1=1
04000502 2f0=error_flags:status2=1
04000503 2f0=error_flags:status3=1
04000504 2f0=error_flags:status4=1
04000505 2f0=error_flags:status5=1
04000506 2f0=error_flags:status6=1
04000507 2f0=error_flags:status7=1
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

DI_1997 = """\
901t 4u1=energy=Wh
902t 4u1=energy:backward=Wh
911t 4u1=energy_reactive=varh
912t 4u1=energy_reactive:backward=varh
913t 4u1=energy_reactive:q1=varh
914t 4u1=energy_reactive:q4=varh
915t 4u1=energy_reactive:q2=varh
916t 4u1=energy_reactive:q3=varh
A01t 3u-1=^power=W
A02t 3u-1=^power:backward=W
A11t 3u-1=^power_reactive=var
A12t 3u-1=^power_reactive:backward=var
A13t 3u-1=^power_reactive:q1=var
A14t 3u-1=^power_reactive:q4=var
A15t 3u-1=^power_reactive:q2=var
A16t 3u-1=^power_reactive:q3=var
B01t 4m0=^datetime:power
B02t 4m0=^datetime:power:backward
B11t 4m0=^datetime:power_reactive
B12t 4m0=^datetime:power_reactive:backward
B13t 4m0=^datetime:power_reactive:q1
B14t 4m0=^datetime:power_reactive:q4
B15t 4m0=^datetime:power_reactive:q2
B16t 4m0=^datetime:power_reactive:q3
B210 4m0=datetime:programming
B211 4m0=datetime:demand_cleared
B212 2u0=count:programming=1
B213 2u0=count:demand_cleared=1
B214 3u0*60=operating_time:battery=s
B31p 2u0=count:phase_broken=1
B32p 3u0*60=duration:phase_broken=s
B33p 4m0=datetime:phase_broken_start
B34p 4m0=datetime:phase_broken_end
B61q 2u0=voltage=V
B62q 2u-2=current=A
B63p 3u-1=power=W
B634 2u1=power:upper_limit=W
B635 2u1=power:backward:upper_limit=W
B64p 2u1=power_reactive=var
B65p 2u-3=power_factor=1
C010 1u0=day_of_week=1 3d0=date
C011 3h0=datetime:time_of_day
C020 1f0=error_flags:meter=1
C021 1f0=error_flags:grid=1
C030 3u0=dimensionless:pulses_per_kwh=1
C031 3u0=dimensionless:pulses_per_kvarh=1
C032 6i0=fabrication_number
C033 6i0=customer
C034 6i0=enhanced_identification
C111 1u0*60=averaging_duration:demand=s
C112 1u0*60=averaging_duration:sliding=s
C117 2e0=date:settlement1
"""
