"""CJ/T 188: heat, water and gas meters."""
