"""autoPET: the nnU-Net layout of the later editions, and the per-study layout of the earlier ones."""
