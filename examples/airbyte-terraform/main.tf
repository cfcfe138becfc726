# Both connectors and a connection in a self-managed Airbyte, with Airbyte's provider for Terraform. Airbyte keeps the state.
# Build the two images first, and push them to a registry that Airbyte can reach: see docs/airbyte.md.

terraform {
  required_providers {
    airbyte = {
      source  = "airbytehq/airbyte"
      version = "~> 1.0"
    }
  }
}

variable "server_url" {
  description = "The API of Airbyte, such as http://localhost:8000/api/public/v1/"
  type        = string
}

variable "workspace_id" {
  type = string
}

variable "clickhouse_password" {
  type      = string
  sensitive = true
}

variable "batch_rest_api_key" {
  type      = string
  sensitive = true
}

provider "airbyte" {
  server_url = var.server_url
}

resource "airbyte_source_definition" "clickhouse_events" {
  name              = "ClickHouse Events"
  docker_repository = "clickhouse-to-batch/source-clickhouse"
  docker_image_tag  = "0.1.0"
  documentation_url = "https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/source-clickhouse.md"
  workspace_id      = var.workspace_id
}

resource "airbyte_destination_definition" "batch_profile_events" {
  name              = "Batch Profile Events"
  docker_repository = "clickhouse-to-batch/destination-batch"
  docker_image_tag  = "0.1.0"
  documentation_url = "https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/destination-batch.md"
  workspace_id      = var.workspace_id
}

resource "airbyte_source" "events" {
  name          = "Events in ClickHouse"
  workspace_id  = var.workspace_id
  definition_id = airbyte_source_definition.clickhouse_events.id
  configuration = jsonencode(merge(jsondecode(file("${path.module}/source.json")), {
    password = var.clickhouse_password
  }))
}

resource "airbyte_destination" "profiles" {
  name          = "Profiles in Batch"
  workspace_id  = var.workspace_id
  definition_id = airbyte_destination_definition.batch_profile_events.id
  configuration = jsonencode(merge(jsondecode(file("${path.module}/destination.json")), {
    rest_api_key = var.batch_rest_api_key
  }))
}

resource "airbyte_connection" "clickhouse_to_batch" {
  name           = "ClickHouse to Batch"
  source_id      = airbyte_source.events.source_id
  destination_id = airbyte_destination.profiles.destination_id

  configurations = {
    streams = [
      {
        name      = "events"
        namespace = "shop"
        sync_mode = "incremental_append"
      }
    ]
  }

  schedule = {
    schedule_type   = "cron"
    cron_expression = "0 */15 * * * ? UTC"
  }
}
