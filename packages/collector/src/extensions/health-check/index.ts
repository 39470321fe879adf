/** Says over HTTP, and over gRPC, whether the collector takes data, and how its components are. */
import {
  NO_OVERVIEW,
  portClaims,
  timerMs,
  type Context,
  type Extension,
  type ExtensionFactory,
} from '../../component/index.ts'
import { createGrpcEndpoint, createHttpEndpoint, type Answer } from '../../extension-helper/index.ts'
import { createHealth } from '../../receiver-helper/index.ts'
import { COMPONENT_HEALTH_DEFAULTS, healthCheckConfig, HTTP_DEFAULTS, type HealthCheckConfig } from './config.ts'
import { answerVersion1 } from './version-1.ts'
import { answerConfig, answerVersion2, isServing } from './version-2.ts'

export const healthCheckExtension: ExtensionFactory<HealthCheckConfig> = {
  kind: 'extension',
  type: 'health_check',
  config: healthCheckConfig,
  create: (context, config) => createHealthCheck(context, config),
}

function createHealthCheck({ id, logger }: Context, config: HealthCheckConfig): Extension {
  // otelcol has a feature gate instead of use_v2 by now; files for it have the sections of version 2 alone.
  const isVersion2 = config.use_v2 || config.http !== undefined || config.grpc !== undefined
  const { http = HTTP_DEFAULTS, component_health: health = COMPONENT_HEALTH_DEFAULTS } = config
  let readySince: Date | undefined
  let overview = () => NO_OVERVIEW
  let effective: unknown

  function answer(path: string, query: string): Answer | undefined {
    if (!isVersion2) return path === config.path ? answerVersion1(config, readySince) : undefined
    if (http.status.enabled && path === http.status.path) return answerVersion2(overview(), health, query)
    return http.config.enabled && path === http.config.path ? answerConfig(effective) : undefined
  }

  const services = createHealth(
    (service) => isServing(overview(), health, service),
    () => overview().pipelines.map((pipeline) => pipeline.id),
  )
  const address = (isVersion2 ? http.endpoint : undefined) ?? config.endpoint
  const tls = (isVersion2 ? http.tls : undefined) ?? config.tls
  const overHttp =
    config.http || !config.grpc ? createHttpEndpoint(address, answer, tls && { config: tls, logger }) : undefined
  const endpoints = [
    ...(overHttp ? [{ protocol: 'http', at: address, port: overHttp }] : []),
    ...(config.grpc
      ? [
          {
            protocol: 'grpc',
            at: config.grpc.endpoint,
            port: createGrpcEndpoint(config.grpc.endpoint, services.handlers),
          },
        ]
      : []),
  ]
  let recovery: NodeJS.Timeout | undefined

  /** An error that may pass counts only after a while, at which nobody else tells anything. */
  function tellLater(): void {
    if (!health.include_recoverable_errors) return
    clearTimeout(recovery)
    recovery = setTimeout(() => services.changed(), timerMs(health.recovery_duration) + 1).unref()
  }

  return {
    claims: endpoints.flatMap(({ at }) => portClaims(at)),
    async start(host) {
      overview = () => host.overview()
      const other = isVersion2 ? 'response_body' : 'component_health'
      if (config[other] !== undefined)
        logger.warn({ component: id }, `${other} has no effect ${isVersion2 ? 'with' : 'without'} use_v2: true`)
      for (const { protocol, port } of endpoints) {
        await port.start()
        logger.info({ component: id, protocol, endpoint: port.address }, 'Starting health_check extension')
      }
    },
    ready() {
      readySince = new Date()
    },
    notReady() {
      readySince = undefined
    },
    configured(config) {
      effective = config
      services.changed()
    },
    statusChanged(_component, { status }) {
      services.changed()
      if (status === 'recoverable_error') tellLater()
    },
    refresh: () => overHttp?.refresh(),
    listening: () => endpoints.map(({ protocol, port }) => ({ protocol, address: port.address })),
    async shutdown() {
      clearTimeout(recovery)
      services.stop('the collector is shutting down')
      await Promise.all(endpoints.map(({ port }) => port.stop()))
    },
  }
}
