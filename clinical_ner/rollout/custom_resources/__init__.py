"""Rollouts as custom resources of a cluster: ``ModelRollout``, whose schema is manifests/rollout.

::

    codec        between a rollout and its object: pure
    conditions   what tools that know no rollouts read of a status: pure
    events       what is told of a change
    records      what the controller and people do with the objects
"""
