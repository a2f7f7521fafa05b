# syntax=docker/dockerfile:1
# The image of one service:
#   docker build -f docker/service.Dockerfile --build-arg SERVICE=ai-service -t santaclaude/ai-service:0.1.0 .
# browser-pool-service has docker/browser.Dockerfile, since it brings a Chromium.
ARG BUN=1.4.5

FROM oven/bun:${BUN}-slim AS build
ARG SERVICE
WORKDIR /app
COPY . .
# Only what this service needs. "optional" leaves out the embedded ClickHouse: an image always talks to a server.
RUN --mount=type=cache,target=/root/.bun/install/cache \
    test -f "apps/$SERVICE/src/main.ts" || { echo "SERVICE must name a folder of apps/"; exit 1; }; \
    bun install --frozen-lockfile --production --omit optional --filter "./apps/$SERVICE" \
 && find apps -mindepth 1 -maxdepth 1 ! -name "$SERVICE" -exec rm -rf {} +

# Bun, glibc and certificates; no shell and no package manager. The sources stay Bun's input: a bundle would lose the
# files that packages read beside themselves.
FROM oven/bun:${BUN}-distroless
ARG SERVICE
COPY --from=build /app /app
WORKDIR /app/apps/${SERVICE}
# The root file system is read-only, so there is nowhere to keep transpiled files.
ENV NODE_ENV=production HOST=0.0.0.0 BUN_RUNTIME_TRANSPILER_CACHE_PATH=0
USER 1000:1000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --start-interval=1s \
    CMD ["/usr/local/bin/bun", "-e", "process.exit((await fetch(`http://127.0.0.1:${process.env.PORT}/health`)).ok ? 0 : 1)"]
# Bun itself is PID 1; the service answers SIGTERM.
ENTRYPOINT ["/usr/local/bin/bun", "src/main.ts"]
