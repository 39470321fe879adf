import { timeSpan } from '../url/only.ts'

/** The state of the services page, as the URL holds it. */
export interface ServicesUrl {
  /** A time span back from now, or `all`. Default `1h`. */
  readonly range?: string
  /** The one that is told of. */
  readonly service?: string
  /** The map has only the selected one, and those that it has to do with. */
  readonly around?: '1'
  /** The map has all services, however many. */
  readonly all?: '1'
  /** Default: the map. */
  readonly show?: 'list'
}

export function readServicesUrl(raw: Readonly<Record<string, unknown>>): ServicesUrl {
  const range = raw['range'] ?? timeSpan(raw['from'])
  return {
    ...(typeof range === 'string' && { range }),
    ...(typeof raw['service'] === 'string' && { service: raw['service'] }),
    ...(raw['around'] === '1' && { around: '1' as const }),
    ...(raw['all'] === '1' && { all: '1' as const }),
    ...(raw['show'] === 'list' && { show: 'list' }),
  }
}
