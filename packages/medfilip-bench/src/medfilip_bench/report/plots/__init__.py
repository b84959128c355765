"""Figures: numbers in, SVG text out; nothing here knows of records."""
