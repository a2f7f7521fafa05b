# syntax=docker/dockerfile:1
# The image of browser-pool-service, with a Chromium:
#   docker build -f docker/browser.Dockerfile -t santaclaude/browser-pool-service:0.1.0 .
ARG BUN=1.4.5
ARG DEBIAN=trixie-20260918

FROM oven/bun:${BUN}-slim AS build
WORKDIR /app
COPY . .
# The Chromium inside an npm package is for machines without one; this image has Debian's.
RUN --mount=type=cache,target=/root/.bun/install/cache \
    bun install --frozen-lockfile --production --omit optional --filter ./apps/browser-pool-service \
 && find apps -mindepth 1 -maxdepth 1 ! -name browser-pool-service -exec rm -rf {} + \
 && rm -rf node_modules/.bun/@sparticuz+chromium@*/node_modules/@sparticuz/chromium/bin

FROM debian:${DEBIAN}-slim
# Chromium is the one package that must not be pinned: Debian keeps only the newest, with its security fixes.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates chromium-headless-shell \
    fonts-dejavu-core fonts-liberation fonts-noto-cjk fonts-noto-color-emoji \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/bun /usr/local/bin/bun
COPY --from=build /app /app
WORKDIR /app/apps/browser-pool-service
# Chromium keeps its profile and caches under HOME; /tmp is the one place that can be written to.
ENV NODE_ENV=production HOST=0.0.0.0 BUN_RUNTIME_TRANSPILER_CACHE_PATH=0 HOME=/tmp \
    CHROMIUM_PATH=/usr/lib/chromium/chromium-headless-shell
USER 1000:1000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --start-interval=1s \
    CMD ["/usr/local/bin/bun", "-e", "process.exit((await fetch(`http://127.0.0.1:${process.env.PORT}/health`)).ok ? 0 : 1)"]
ENTRYPOINT ["/usr/local/bin/bun", "src/main.ts"]
