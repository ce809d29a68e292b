"""Running the compiled pipelines: on this machine, or on a Kubeflow Pipelines endpoint."""
