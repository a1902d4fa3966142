"""The gateway as a master: lines it polls itself."""
