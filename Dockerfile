# Node 26 is the newest LTS. The connectors are only JavaScript, so the smallest image, Alpine, is enough.
# A release pins the digest, which changes with each security fix:
#   docker buildx imagetools inspect --format '{{.Manifest.Digest}}' node:26.10-alpine
#   docker build --build-arg NODE_IMAGE=node:26.10-alpine@sha256:... .
ARG NODE_IMAGE=node:26.10-alpine

# The build is the same for every platform, so it runs once, on the builder's platform. Its bundle contains the packages it
# needs, so none is installed in the image.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No scripts: one of them would build, but the sources are not copied yet.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY rolldown.config.js ./
COPY build build
COPY src src
COPY bin bin
COPY spec spec
COPY docs/troubleshooting docs/troubleshooting
# chmod: with a strict umask, only the owner can read a checkout, but the connector runs as another user.
RUN npm run build && chmod -R a+rX .

FROM ${NODE_IMAGE} AS run
ENV NODE_ENV=production TZ=UTC
WORKDIR /airbyte/integration_code
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
# The image's user "node", as a number: Kubernetes can't verify from a name that a user is not root.
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

# Both connectors in one image; CONNECTOR_ROLE (source or destination) selects one for `spec`.
FROM run AS connector
LABEL io.airbyte.name="clickhouse-to-batch/connector" \
  org.opencontainers.image.title="clickhouse-to-batch" \
  org.opencontainers.image.description="Airbyte source and destination: from ClickHouse to Batch profile events"
ENV AIRBYTE_ENTRYPOINT="/airbyte/integration_code/bin/connector"
ENTRYPOINT ["/airbyte/integration_code/bin/connector"]
