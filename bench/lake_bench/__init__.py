"""Measures hotspots-lake next to the tools that a user would pick instead, on the same rows."""
