"""M-Bus (EN 13757-2 and -3): frames, a reader, a master, and what telegrams say.

The node imports frame, reader, walk and master only; the tables of telegram stay on the gateway.
"""
