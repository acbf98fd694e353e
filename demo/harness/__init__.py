"""Starts nodes and gateways as processes: for the demo, the tests and the benchmarks."""
