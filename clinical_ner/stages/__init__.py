"""The pipeline's stages, one function each: parameters and artifact paths in, artifacts written, parameters out.

They know nothing of KFP: ``components/`` wraps each in a few lines. An artifact is written whole or not at all, and a stage
that runs twice gives the same result.
"""
