"""Runs: asked for, taken by a worker, solved as agreed, followed, replayed."""
