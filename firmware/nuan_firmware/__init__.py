"""The node's application."""
