"""From telegrams to bills and feeds."""
