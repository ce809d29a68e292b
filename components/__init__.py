"""Pipeline components: one folder a stage, each a thin wrapper around one function of ``clinical_ner.stages``.

KFP copies a component's body, and nothing else of its module, into the pipeline: hence the imports inside the bodies.
"""
