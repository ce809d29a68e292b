"""Drift of a model's notes and answers: columns, mergeable profiles, deviation from the reference, and what to do about it."""
