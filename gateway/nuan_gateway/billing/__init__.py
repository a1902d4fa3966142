"""Readings into bills: pure functions, exact from the register to the fen."""
