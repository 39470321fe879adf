import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Attributes } from '@opentelemetry/api'
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources'

/**
 * What is the same for all spans of this process: the service, this instance of it, the host and the runtime.
 * The command line is left out on purpose: it may hold secrets. `attributes` win.
 */
export function createResource(serviceName: string, attributes: Attributes): Resource {
  return defaultResource().merge(
    resourceFromAttributes({
      'service.instance.id': randomUUID(),
      'host.name': hostname(),
      'process.pid': process.pid,
      'process.runtime.name': 'nodejs',
      'process.runtime.version': process.versions.node,
      ...attributes,
      'service.name': serviceName,
    }),
  )
}
