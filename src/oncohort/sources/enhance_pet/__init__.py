"""ENHANCE.PET 1.6k: seven label groups per case."""
