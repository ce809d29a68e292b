"""Grafana dashboards (11.6 or later): ``panels`` makes the building blocks, each other module one dashboard."""
