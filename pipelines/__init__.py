"""The pipelines, and the command that compiles, runs and submits them: ``python -m pipelines``."""
