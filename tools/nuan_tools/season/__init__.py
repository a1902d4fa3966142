"""A building's heating season without hardware: world, node, gateway and receiver together."""
