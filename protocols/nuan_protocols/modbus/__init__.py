"""Modbus on a serial line (RTU) and over TCP, on the master's side."""
