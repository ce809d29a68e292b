"""Running the compiled pipelines: on this machine, or on a Kubeflow Pipelines endpoint.

A step submits runs too. KFP loads only a part of itself there (``_KFP_RUNTIME``); the rest imports itself in a circle
(kubeflow/pipelines#12522) unless one module comes first. This package imports it.
"""

import kfp.dsl.component_decorator  # noqa: F401
