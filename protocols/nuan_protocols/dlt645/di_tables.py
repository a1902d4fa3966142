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
and event counts follow public tables of DL/T 645-2007 annex A. The freeze layouts (05......) follow
such tables only: no recorded frame was found, and one public table gives the frozen demand four
bytes where the standard's other demands have three. Freeze blocks (05..FF..) and load records (06)
stay raw for that reason. 1997: DL/T 645-1997 annex A; 9010 and B611 held against recorded frames.

The tables are text because the heap of the board is small; the rarer ones stand in di_rare.py and
di_1997.py, which are loaded when first needed.
"""

# Energy, maximum demand, variables.
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
0207qq00 2s-1=phase_angle=deg
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
"""
