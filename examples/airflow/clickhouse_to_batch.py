"""Sends the new rows of a ClickHouse table to Batch every five minutes.

Needs the provider apache-airflow-providers-docker, the folder /srv/clickhouse-to-batch with source.json and
destination.json on the workers, and these Airflow variables: clickhouse_password, batch_rest_api_key,
aws_access_key_id, aws_secret_access_key.
"""

from datetime import datetime, timedelta

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk import DAG
from docker.types import Mount

with DAG(
    dag_id="clickhouse_to_batch",
    schedule=timedelta(minutes=5),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    # Only one run at a time, and no retry: the next run continues from the last state.
    max_active_runs=1,
    default_args={"retries": 0},
) as dag:
    DockerOperator(
        task_id="sync",
        image="clickhouse-to-batch/connector:0.1.0",
        command=[
            "sync",
            "--source", "/config/source.json",
            "--destination", "/config/destination.json",
            "--state", "s3://my-bucket/clickhouse-to-batch/state.json",
        ],
        mounts=[Mount(source="/srv/clickhouse-to-batch", target="/config", type="bind", read_only=True)],
        mount_tmp_dir=False,
        # Unlike `environment`, these are not shown in the user interface.
        private_environment={
            "CLICKHOUSE_PASSWORD": "{{ var.value.clickhouse_password }}",
            "BATCH_REST_API_KEY": "{{ var.value.batch_rest_api_key }}",
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "{{ var.value.aws_access_key_id }}",
            "AWS_SECRET_ACCESS_KEY": "{{ var.value.aws_secret_access_key }}",
        },
        auto_remove="force",
        # The run finished, but some rows were rejected: the task is shown as skipped.
        skip_on_exit_code=3,
    )
