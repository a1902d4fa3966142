"""Modbus RTU."""
