# syntax=docker/dockerfile:1
# Spoor in all its roles: `docker build -t spoor .`, and with `--target collector` what stands in for otelcol-contrib.
# Neither runs as root, and neither needs a shell at run time.
ARG NODE=node:24-slim

FROM ${NODE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
COPY packages/otlp/package.json packages/otlp/
COPY packages/trace/package.json packages/trace/
COPY packages/collector/package.json packages/collector/
COPY packages/storage/package.json packages/storage/
COPY packages/server/package.json packages/server/
COPY packages/server/bin packages/server/bin
COPY packages/ui/package.json packages/ui/
COPY packages/instrument/package.json packages/instrument/
COPY packages/web/package.json packages/web/
COPY examples/models/package.json examples/models/
COPY examples/object-classification/package.json examples/object-classification/
COPY bench/package.json bench/
COPY e2e/package.json e2e/
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund --include-workspace-root -w spoor -w @spoor/collector -w @spoor/storage -w @spoor/trace -w @spoor/otlp -w @spoor/ui -w @spoor/instrument
COPY tsconfig.base.json ./
COPY scripts scripts
COPY packages packages
RUN npx tsc -b packages/server packages/instrument packages/web
RUN node scripts/bundle.mjs
RUN npm run build -w @spoor/ui
# What a volume takes its owner from.
RUN mkdir /data && chown 1000:1000 /data

FROM ${NODE} AS program
ENV NODE_ENV=production
WORKDIR /spoor
COPY --from=build /src/packages/server/package.json /src/packages/server/LICENSE ./
COPY --from=build /src/packages/server/bin bin
COPY --from=build /src/packages/server/dist/bundle dist/bundle
COPY --from=build /src/packages/server/page page
COPY --from=build --chown=1000:1000 /data /data
ENV SPOOR_HOST=0.0.0.0 SPOOR_DATA=/data
USER 1000:1000
WORKDIR /data
VOLUME /data
EXPOSE 4317 4318
STOPSIGNAL SIGTERM
# Of whichever role: Spoor at its page, a collector at its status.
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --start-interval=1s --retries=3 CMD ["node", "/spoor/bin/spoor.js", "health"]

# In place of otelcol-contrib: `docker build --target collector -t spoor-collector .`
FROM program AS collector
COPY --from=build /src/packages/server/container/config.yaml /etc/otelcol-contrib/config.yaml
ENTRYPOINT ["node", "/spoor/bin/spoor.js", "collector"]
CMD ["--config", "/etc/otelcol-contrib/config.yaml"]

# The last one is what is built by default: in place of Jaeger, and with a command in any other role.
FROM program AS spoor
EXPOSE 16685 16686
ENTRYPOINT ["node", "/spoor/bin/spoor.js"]
