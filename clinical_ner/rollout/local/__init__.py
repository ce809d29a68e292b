"""A service on one machine, whose traffic can be divided: two model servers behind a weighted split.

A tool for a laptop, the demonstration and tests. It is no gateway: no TLS, no HTTP/2, no gRPC, one process, and whoever may
write in its folder may command it. In production KServe's own routing carries the traffic.

::

    state       what the service is to be, and how each operation of a target changes that: pure
    process     one model server process: started, taken over, asked whether it is ready, ended
    supervision keeps a version's server running, as a cluster's node would
    calls       what callers saw of each version
    wire        one HTTP/1.1 request and its reply
    split       divides requests between the versions by weight
    service     all of these in one process, ``python -m clinical_ner.rollout.local``
    control     the service's socket: commands and questions
    target      the service as the state machine's :class:`clinical_ner.rollout.targets.Target`
    launching   starts the service's process

In the service's folder::

    state.json      what it is to be, and which processes it has; what a restarted service goes on from
    lock            held by the running service
    control.sock    takes commands
    logs/           what the model servers write, a file each
"""

from clinical_ner.rollout.local.target import LocalTarget

__all__ = ["LocalTarget"]
