/** Says over HTTP whether the collector takes data, and how its components are. */
import { NO_OVERVIEW, portClaims, type Context, type Extension, type ExtensionFactory } from '../../component/index.ts'
import { createHttpEndpoint, type Answer } from '../../extension-helper/index.ts'
import { COMPONENT_HEALTH_DEFAULTS, healthCheckConfig, HTTP_DEFAULTS, type HealthCheckConfig } from './config.ts'
import { answerVersion1 } from './version-1.ts'
import { answerConfig, answerVersion2 } from './version-2.ts'

export const healthCheckExtension: ExtensionFactory<HealthCheckConfig> = {
  kind: 'extension',
  type: 'health_check',
  config: healthCheckConfig,
  create: (context, config) => createHealthCheck(context, config),
}

function createHealthCheck({ id, logger }: Context, config: HealthCheckConfig): Extension {
  const { use_v2: isVersion2, http = HTTP_DEFAULTS, component_health: health = COMPONENT_HEALTH_DEFAULTS } = config
  let readySince: Date | undefined
  let overview = () => NO_OVERVIEW
  let effective: unknown

  function answer(path: string, query: string): Answer | undefined {
    if (!isVersion2) return path === config.path ? answerVersion1(config, readySince) : undefined
    if (http.status.enabled && path === http.status.path) return answerVersion2(overview(), health, query)
    return http.config.enabled && path === http.config.path ? answerConfig(effective) : undefined
  }

  const address = (isVersion2 ? http.endpoint : undefined) ?? config.endpoint
  const endpoint = createHttpEndpoint(address, answer)
  return {
    claims: portClaims(address),
    async start(host) {
      overview = () => host.overview()
      for (const key of isVersion2 ? (['response_body'] as const) : (['http', 'component_health'] as const)) {
        if (config[key] === undefined) continue
        const message = `${key} has no effect ${isVersion2 ? 'with' : 'without'} use_v2: true`
        logger.warn({ component: id }, message)
      }
      await endpoint.start()
      logger.info({ component: id, endpoint: endpoint.address }, 'Starting health_check extension')
    },
    ready() {
      readySince = new Date()
    },
    notReady() {
      readySince = undefined
    },
    configured(config) {
      effective = config
    },
    listening: () => [{ protocol: 'http', address: endpoint.address }],
    shutdown: () => endpoint.stop(),
  }
}
