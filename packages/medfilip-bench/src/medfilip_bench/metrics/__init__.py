"""Metrics as pure functions: numpy arrays in, dataclasses out, undefined said in words."""
