"""The stepwise canary: a plan, an analysis, a pure state machine, and the targets that carry the traffic.

::

    plan, status     what is to be done, and how far it has come
    counting/        what one version has counted, from scrapes of ``/metrics`` or from Prometheus
    analysis/        canary against stable: pass, fail or inconclusive, with numbers
    machine/         where a rollout stands, and what comes next: pure
    targets          what carries the traffic, as the machine sees it; local/ is one, on this machine
    store, runner    what is written down, and who advances it
"""
