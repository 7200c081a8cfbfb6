"""Longitudinal CT of autoPET: two time points and lesions followed between them."""
