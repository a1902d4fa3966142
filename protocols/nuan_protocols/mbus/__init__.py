"""M-Bus (EN 13757-2 and -3)."""
