/** Version 1: whether the whole collector takes data. 200 from when all components are started until it begins to stop, else 503. */
import type { Answer } from '../../extension-helper/index.ts'
import type { HealthCheckConfig } from './config.ts'

/** What Go writes for no time. */
const NEVER = '0001-01-01T00:00:00Z'

export function answerVersion1({ response_body: bodies }: HealthCheckConfig, readySince: Date | undefined): Answer {
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
