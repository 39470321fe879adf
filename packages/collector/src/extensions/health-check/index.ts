/**
 * Says over HTTP whether the collector takes data: 200 from when all components are started until it begins to stop, else 503. As version 1 of
 * the OpenTelemetry Collector's.
 */
import { portClaims, type Context, type Extension, type ExtensionFactory } from '../../component/index.ts'
import { createHttpEndpoint, type Answer } from '../../extension-helper/index.ts'
import { healthCheckConfig, type HealthCheckConfig } from './config.ts'

export const healthCheckExtension: ExtensionFactory<HealthCheckConfig> = {
  kind: 'extension',
  type: 'health_check',
  config: healthCheckConfig,
  create: (context, config) => createHealthCheck(context, config),
}

/** What Go writes for no time. */
const NEVER = '0001-01-01T00:00:00Z'

function createHealthCheck({ id, logger }: Context, config: HealthCheckConfig): Extension {
  let readySince: Date | undefined
  const { path, response_body: bodies } = config
  const answer = (): Answer => {
    const status = readySince ? 200 : 503
    if (bodies) {
      const body = readySince ? bodies.healthy : bodies.unhealthy
      return { status, contentType: 'text/plain; charset=utf-8', body }
    }
    const body = {
      status: readySince ? 'Server available' : 'Server not available',
      upSince: readySince?.toISOString() ?? NEVER,
      uptime: readySince ? `${(Date.now() - readySince.getTime()) / 1000}s` : '',
    }
    return { status, contentType: 'application/json', body: JSON.stringify(body) }
  }
  const endpoint = createHttpEndpoint(config.endpoint, (asked) => (asked === path ? answer() : undefined))
  return {
    claims: portClaims(config.endpoint),
    async start() {
      await endpoint.start()
      logger.info({ component: id, endpoint: endpoint.address }, 'Starting health_check extension')
    },
    ready() {
      readySince = new Date()
    },
    notReady() {
      readySince = undefined
    },
    listening: () => [{ protocol: 'http', address: endpoint.address }],
    shutdown: () => endpoint.stop(),
  }
}
