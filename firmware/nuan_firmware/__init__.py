"""The node's application."""

VERSION = "0.1.0"
# 2026-11-01. The time is later than this wherever this code runs: a lower bound for an unset clock.
BUILT_S = 1793491200
