"""Measures the solver: instances, protocol, runner, report."""
