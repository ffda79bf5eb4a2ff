"""Pretrained weights: fetched, read from any format, verified, stored."""
