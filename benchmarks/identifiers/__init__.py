"""Identifiers made up for ``benchmarks.deidentification``: values, and the sentences that they stand in."""
