"""nnU-Net raw data sets."""
