"""Canary against stable: the checks of a step, their bounds, and how much confidence each look at them costs."""
