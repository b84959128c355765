"""Radiology reports into findings: severity, location, category, with evidence."""

__all__: list[str] = []
