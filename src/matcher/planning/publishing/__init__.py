"""Releases: plans published, in whole or in part, and brought back."""
