"""Readings into bills: pure functions."""
