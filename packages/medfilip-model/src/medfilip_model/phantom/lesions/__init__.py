"""How each finding changes the beam: one module per family, one drawing function per category."""
