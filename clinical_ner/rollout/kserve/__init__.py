"""KServe's InferenceServices as targets of a rollout."""
