"""DEEP-PSMA: two tracers per patient."""
