import { timeSpan } from '../url/only.ts'

/** The state of the services page, as the URL holds it. */
export interface ServicesUrl {
  /** A time span back from now, or `all`. Default `1h`. */
  readonly range?: string
  /** The one that is told of. */
  readonly service?: string
  /** Default: the map. */
  readonly show?: 'list'
}

export function readServicesUrl(raw: Readonly<Record<string, unknown>>): ServicesUrl {
  const range = raw['range'] ?? timeSpan(raw['from'])
  return {
    ...(typeof range === 'string' && { range }),
    ...(typeof raw['service'] === 'string' && { service: raw['service'] }),
    ...(raw['show'] === 'list' && { show: 'list' }),
  }
}
