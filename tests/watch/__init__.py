"""Positions against plans."""
