"""Who advances the rollouts of a cluster's service: one process, which holds a Lease.

::

    lease        which of several may act
    loop         looks again and again
    telling      log, events and numbers of a rollout
    metrics      what it shows of itself
    endpoints    /metrics and /healthz
    late         a service that is found when it is first asked for
    assembly     all of it, put together
"""
