"""Alert rules and dashboards as code: what `manifests/monitoring` holds is generated from here by `python -m observability`.

A package of its own at the top level, beside components/ and pipelines/: it is the platform team's, runs on no server and in no
stage, and needs grafana-foundation-sdk and PyYAML, which neither may depend on. The library stays free of it.
"""
