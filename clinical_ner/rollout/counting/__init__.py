"""What one version has counted: read from ``/metrics`` or from Prometheus, and what was added between two readings."""
