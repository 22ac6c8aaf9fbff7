"""A dashboard for Grafana: what an operator looks at first stands first."""

import json
from typing import Any

#: Title, unit, and (query, legend) of each panel, in rows of three.
PANELS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "How long messages have waited",
        "s",
        (("max by (channel) (channels_channel_oldest_message_seconds)", "{{channel}}"),),
    ),
    (
        "Messages that wait",
        "short",
        (("max by (channel) (channels_channel_messages)", "{{channel}}"),),
    ),
    (
        "Lost messages a second",
        "short",
        (
            (
                "sum by (channel, reason) (rate(channels_messages_lost_total[5m])) > 0",
                "{{channel}}: {{reason}}",
            ),
        ),
    ),
    (
        "Requests a second",
        "reqps",
        (
            ("sum(rate(channels_requests_opened_total[1m]))", "all"),
            ("sum by (reason) (rate(channels_requests_refused_total[1m]))", "refused: {{reason}}"),
        ),
    ),
    (
        "Request to first byte",
        "s",
        tuple(
            (
                f"histogram_quantile({quantile}, "
                "sum by (le) (rate(channels_request_first_byte_seconds_bucket[5m])))",
                name,
            )
            for quantile, name in (("0.5", "median"), ("0.95", "95 %"), ("0.99", "99 %"))
        ),
    ),
    (
        "Requests under way",
        "short",
        (("sum(channels_requests_open)", "requests"),),
    ),
    (
        "Sockets",
        "short",
        (
            ("sum by (instance) (channels_sockets_open)", "open on {{instance}}"),
            ("sum by (instance) (channels_worker_sockets)", "hosted by {{instance}}"),
        ),
    ),
    (
        "Sockets opened and closed a second",
        "short",
        (
            ("sum(rate(channels_sockets_opened_total[1m]))", "opened"),
            ("sum by (code) (rate(channels_sockets_closed_total[1m]))", "closed with {{code}}"),
            ("sum by (reason) (rate(channels_sockets_refused_total[1m]))", "refused: {{reason}}"),
        ),
    ),
    (
        "Messages a second",
        "short",
        (
            ("sum by (channel) (rate(channels_messages_sent_total[1m]))", "to {{channel}}"),
            ("sum by (channel) (rate(channels_messages_received_total[1m]))", "from {{channel}}"),
            ("sum(rate(channels_group_sends_total[1m]))", "to groups"),
        ),
    ),
    (
        "Wait before a worker takes a message (95 %)",
        "s",
        (
            (
                "histogram_quantile(0.95, "
                "sum by (le, channel) (rate(channels_message_wait_seconds_bucket[5m])))",
                "{{channel}}",
            ),
        ),
    ),
    (
        "Run of consumers (95 %)",
        "s",
        (
            (
                "histogram_quantile(0.95, "
                "sum by (le, consumer) (rate(channels_consumer_run_seconds_bucket[5m])))",
                "{{consumer}}",
            ),
        ),
    ),
    (
        "Workers",
        "short",
        (
            ("sum(channels_worker_threads_busy)", "threads that work"),
            ("sum(channels_worker_threads)", "threads"),
            ("max by (channel) (channels_channel_workers)", "workers for {{channel}}"),
        ),
    ),
    (
        "Round trip to the engine",
        "s",
        tuple(
            (
                f"histogram_quantile({quantile}, "
                "sum by (le) (rate(channels_engine_round_trip_seconds_bucket[5m])))",
                name,
            )
            for quantile, name in (("0.5", "median"), ("0.99", "99 %"))
        ),
    ),
    (
        "Trouble with the engine",
        "short",
        (
            ("sum(rate(channels_engine_connections_lost_total[5m]))", "connections lost a second"),
            ("sum(increase(channels_link_restarts_total[5m]))", "links begun anew"),
            ("count(channels_engine_up == 0) or vector(0)", "processes without it"),
        ),
    ),
    (
        "Retries and dead letters a second",
        "short",
        (
            ("sum by (channel) (rate(channels_messages_retried_total[5m]))", "again: {{channel}}"),
            (
                "sum by (channel) (rate(channels_messages_dead_lettered_total[5m]))",
                "given up: {{channel}}",
            ),
        ),
    ),
    (
        "Sockets that move between workers, in 5 minutes",
        "short",
        (("sum by (result) (increase(channels_hand_overs_total[5m]))", "{{result}}"),),
    ),
    (
        "Time of a hand-over (95 %)",
        "s",
        (
            (
                "histogram_quantile(0.95, "
                "sum by (le) (rate(channels_hand_over_seconds_bucket[5m])))",
                "from the wish until it is taken",
            ),
        ),
    ),
)

_WIDTH, _HEIGHT, _PER_ROW = 8, 8, 3


def make_dashboard(title: str) -> str:
    """Return the dashboard as JSON, to be imported into Grafana 9 or later."""
    dashboard = {
        "title": f"{title}: channels",
        "uid": f"channels-{title}"[:40],
        "schemaVersion": 38,
        "version": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "tags": ["channels"],
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus", "current": {}}
            ]
        },
        "panels": [_panel(number, *panel) for number, panel in enumerate(PANELS)],
    }
    return json.dumps(dashboard, indent=2) + "\n"


def _panel(number: int, title: str, unit: str, queries: Any) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    row, column = divmod(number, _PER_ROW)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": source,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "expr": query,
                "legendFormat": legend,
                "datasource": source,
            }
            for index, (query, legend) in enumerate(queries)
        ],
    }
