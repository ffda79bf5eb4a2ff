"""Processes that measure jobs, one for each framework: JSON in, a line of JSON out."""
