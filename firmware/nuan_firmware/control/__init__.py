"""Holds rooms to their set-points: what a zone wants, what its valve does, and who may say so.

law.py decides alone, in integers, and knows neither hardware nor journal; zones.py puts it between
sensors, valves and journal. What is needed rarely (overrides, their file, descriptions, M-Bus
records) is loaded for the moment it is needed.
"""
