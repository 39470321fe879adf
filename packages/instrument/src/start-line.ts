import { durationText, maskSecret } from './failure.ts'
import { propagatorsText } from './propagators.ts'
import type { Settings } from './settings.ts'

/**
 * What tracing does from here on, in one line: where spans go and with what, which are taken, what carries the context,
 * and what is instrumented: `inPlace` already, `awaited` once the application loads it.
 */
export function startLine(
  serviceName: string,
  settings: Settings,
  inPlace: readonly string[],
  awaited: readonly string[],
): string {
  const patched = [inPlace.join(', '), awaited.length > 0 && `${awaited.join(', ')} when loaded`].filter(Boolean)
  const parts = [
    `tracing "${serviceName}" → ${targetText(settings)}`,
    `sampler ${settings.samplerText}`,
    `propagators ${propagatorsText(settings.propagators)}`,
    patched.length > 0 ? `patched ${patched.join('; ')}` : 'no instrumentations',
    settings.exclude.length > 0 && `${settings.exclude.length} excluded`,
  ]
  return parts.filter(Boolean).join(' · ')
}

function targetText({ destination, exporter, batch }: Settings): string {
  if (destination === 'none') return 'nowhere (OTEL_TRACES_EXPORTER=none)'
  if (destination === 'console') return 'console'
  const headers = Object.entries(exporter.headers).map(([name, value]) => `${name}: ${maskSecret(value)}`)
  return [
    `${exporter.protocol} ${exporter.shownUrl}`,
    headers.length > 0 && `headers ${headers.join(', ')}`,
    exporter.compression === 'gzip' && 'gzip',
    `batch ${batch.maxExportBatchSize}/${durationText(batch.scheduledDelayMs)}`,
  ]
    .filter(Boolean)
    .join(' · ')
}
