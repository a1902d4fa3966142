"""The nuan command."""
