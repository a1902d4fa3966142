"""The data identifiers of DL/T 645-1997, annex A; see di_tables.py for the rows."""

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
