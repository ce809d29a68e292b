"""The stepwise canary: a plan, an analysis, a pure state machine, and the targets that carry the traffic.

::

    plan, rules      what is to be done, and how strictly it is judged
    counters         what one version has counted, and what was added between two readings
    analysis         canary against stable: pass, fail or inconclusive, with numbers
    status, machine  where a rollout stands, and what comes next: pure
    targets          what carries the traffic: local, KServe Knative, KServe Standard
    sources          where counters come from: scrapes of ``/metrics``, or Prometheus
    store, runner    what is written down, and who advances it
"""
