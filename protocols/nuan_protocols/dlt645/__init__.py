"""DL/T 645: electricity meters."""
