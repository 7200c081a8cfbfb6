"""Clicks, scribbles and boxes of an interaction, in voxel indices of a grid."""
