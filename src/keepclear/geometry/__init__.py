"""Kernels over the round earth: arrays in, arrays out."""
