"""Sends the new rows of a ClickHouse table to Batch every five minutes.

Needs Docker, the folder /srv/clickhouse-to-batch with source.json and destination.json, and these environment variables:
CLICKHOUSE_PASSWORD, BATCH_REST_API_KEY, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.
"""

import json
import subprocess

import dagster as dg

SECRETS = ["CLICKHOUSE_PASSWORD", "BATCH_REST_API_KEY", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
COMMAND = [
    "docker", "run", "--rm", "--init", "--stop-timeout", "120",
    "--volume", "/srv/clickhouse-to-batch:/config:ro",
    *[argument for name in SECRETS for argument in ("--env", name)],
    "clickhouse-to-batch/connector:0.1.0",
    "sync", "--json",
    "--source", "/config/source.json",
    "--destination", "/config/destination.json",
    "--state", "s3://my-bucket/clickhouse-to-batch/state.json",
]  # fmt: skip

# The run finished, but some rows were rejected.
ROWS_REJECTED = 3


# The pool allows one run at a time: `dagster instance concurrency set clickhouse_to_batch 1`.
@dg.asset(pool="clickhouse_to_batch")
def batch_events(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The events that Batch has of the rows in ClickHouse."""
    run_ended: dict = {}
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as sync:
        for line in sync.stdout or []:
            event = json.loads(line)
            if event["event"] == "log":
                context.log.info(f"{event['level']} {event['from']}: {event['message']}")
            elif event["event"] in ("run_ended", "failed"):
                run_ended = event
    if sync.returncode not in (0, ROWS_REJECTED):
        raise dg.Failure(json.dumps(run_ended.get("errors", run_ended)))
    return dg.MaterializeResult(
        metadata={name: run_ended[name] for name in ("rows_read", "rows_accepted", "rows_rejected", "seconds")}
    )


every_five_minutes = dg.ScheduleDefinition(
    name="clickhouse_to_batch", target=dg.AssetSelection.assets(batch_events), cron_schedule="*/5 * * * *"
)

defs = dg.Definitions(assets=[batch_events], schedules=[every_five_minutes])
