"""Meters, lines, buildings and boards that are not there."""
