"""Makes what ops teams take from deploy/observability: Grafana's dashboards and Prometheus' rules of the objectives."""
