"""Firmware for nodes: keys, bundles, and what is in them."""
