# Node 26 is the newest LTS. All that runs is JavaScript, so the smallest image, Alpine's, serves.
# A release pins the digest, which moves with each security fix:
#   docker buildx imagetools inspect --format '{{.Manifest.Digest}}' node:26.10-alpine
#   docker build --build-arg NODE_IMAGE=node:26.10-alpine@sha256:... .
ARG NODE_IMAGE=node:26.10-alpine

# What is built is the same for every platform, so it is built once, on the builder's own.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No scripts: `prepare` would build, and the sources are not here yet.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json rolldown.config.ts ./
COPY src src
COPY bin bin
COPY spec spec
COPY docs/troubleshooting docs/troubleshooting
# chmod: a checkout under a strict umask is readable by its owner alone, and the connector runs as somebody else.
RUN npm run build \
  && npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && chmod -R a+rX .

FROM ${NODE_IMAGE} AS run
ENV NODE_ENV=production TZ=UTC
WORKDIR /airbyte/integration_code
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/package.json ./
COPY --from=build /build/spec spec
COPY --from=build /build/docs/troubleshooting docs/troubleshooting
COPY --from=build /build/dist dist
COPY --from=build /build/bin bin
COPY LICENSE ./
LABEL io.airbyte.version="0.1.0" \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.source="https://github.com/clickhouse-to-batch/clickhouse-to-batch"
# The image's user "node", by number: a pod that must not run as root can't check a name.
USER 1000:1000

FROM run AS source-clickhouse
LABEL io.airbyte.name="clickhouse-to-batch/source-clickhouse" \
  org.opencontainers.image.title="source-clickhouse" \
  org.opencontainers.image.description="Airbyte source: event rows of ClickHouse"
ENV AIRBYTE_ENTRYPOINT="/airbyte/integration_code/bin/source-clickhouse"
ENTRYPOINT ["/airbyte/integration_code/bin/source-clickhouse"]

FROM run AS destination-batch
LABEL io.airbyte.name="clickhouse-to-batch/destination-batch" \
  org.opencontainers.image.title="destination-batch" \
  org.opencontainers.image.description="Airbyte destination: Batch profile events"
ENV AIRBYTE_ENTRYPOINT="/airbyte/integration_code/bin/destination-batch"
ENTRYPOINT ["/airbyte/integration_code/bin/destination-batch"]

# Both in one image; CONNECTOR_ROLE (source or destination) tells `spec` which of them is meant.
FROM run AS connector
LABEL io.airbyte.name="clickhouse-to-batch/connector" \
  org.opencontainers.image.title="clickhouse-to-batch" \
  org.opencontainers.image.description="Airbyte source and destination: from ClickHouse to Batch profile events"
ENV AIRBYTE_ENTRYPOINT="/airbyte/integration_code/bin/connector"
ENTRYPOINT ["/airbyte/integration_code/bin/connector"]
