"""Benchmarks: one definition of each workload, a runner for each framework."""
