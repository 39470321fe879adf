import type { KeyValue, Signal } from '@spoor/otlp'
import { timerMs, type CollectorError, type Component, type Consumer, type Context } from '../../component/index.ts'
import { createEditingProcessor, valueText } from '../../processor-helper/index.ts'
import type { ResourceDetectionConfig } from './config.ts'
import { detectEnv } from './env.ts'
import { detectSystem } from './system.ts'

/** The conventions that the names of the system's attributes are of, as the OpenTelemetry Collector 0.160 tells them. */
const SYSTEM_SCHEMA_URL = 'https://opentelemetry.io/schemas/1.40.0'

/** They are asked before the first batch comes. `env`: default the process's. */
export function createResourceDetection(
  { id, logger }: Context,
  config: ResourceDetectionConfig,
  next: Consumer,
  signal: Signal,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Component & Consumer {
  const { override, timeout, refresh_interval: everyMs } = config
  let found: readonly KeyValue[] = []
  /** Of what the machine says; a resource that has one keeps it. */
  const schemaUrl = config.detectors.includes('system') ? SYSTEM_SCHEMA_URL : ''
  let timer: NodeJS.Timeout | undefined

  async function detect(): Promise<void> {
    const byKey = new Map<string, KeyValue>()
    for (const detector of config.detectors) {
      const attributes =
        detector === 'env'
          ? detectEnv(env, config.env.allowlist)
          : await detectSystem(config.system, AbortSignal.timeout(timerMs(timeout)))
      for (const attribute of attributes) if (!byKey.has(attribute.key)) byKey.set(attribute.key, attribute)
    }
    found = [...byKey.values()]
  }

  const editor = createEditingProcessor(signal, next, {
    visitor: () => ({
      resource(resource) {
        const { attributes } = resource
        for (const { key, value } of found) if (override || !attributes.has(key)) attributes.set(key, value)
        if (schemaUrl !== '' && resource.schemaUrl === '') resource.schemaUrl = schemaUrl
      },
    }),
  })
  return {
    ...editor,
    async start() {
      await detect()
      const attributes = Object.fromEntries(found.map(({ key, value }) => [key, valueText(value)]))
      logger.info({ component: id, attributes }, 'What is known of this resource was asked for.')
      if (everyMs <= 0) return
      const refresh = (): void =>
        void detect().catch((error: CollectorError) =>
          logger.warn(
            { component: id, error: error.message },
            'What was found before is used: it cannot be asked for anew.',
          ),
        )
      timer = setInterval(refresh, timerMs(everyMs)).unref()
    },
    async shutdown() {
      clearInterval(timer)
    },
  }
}
