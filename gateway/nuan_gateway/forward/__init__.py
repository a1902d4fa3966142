"""Deliveries to the heating company and others."""
