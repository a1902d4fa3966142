"""Journal entries and batches between node and gateway."""
