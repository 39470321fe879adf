/** The network of a running world, and where its hops are reported. */
import { startTracing } from '@spoor/instrument'
import type { Places } from '../netns/places.ts'
import { BATCH_DELAY_MS, localUrl } from '../programs.ts'
import type { Settings } from '../settings.ts'
import type { Link } from './link.ts'
import { Network } from './network.ts'
import type { WorldFile } from './world-file.ts'

/** A network that runs. */
export interface OpenNetwork {
  readonly network: Network
  /** Reports what was seen, and ends all relays. */
  close(): Promise<void>
}

/** Opens the links; where some are to be seen in traces, what goes over them is reported to Spoor itself as `network`. */
export function openNetwork({ protocol, ports }: Settings, world: WorldFile, places: Places): OpenNetwork {
  const seen = world.links.some(({ show }) => show !== 'none')
  const tracing = seen
    ? startTracing({
        serviceName: 'network',
        exporter: { protocol, url: localUrl(protocol === 'grpc' ? ports.otlpGrpc : ports.otlpHttp) },
        instrumentations: [],
        batch: { scheduledDelayMs: BATCH_DELAY_MS },
        quiet: true,
      })
    : undefined
  const network = new Network(world, tracing?.tracer, places)
  return {
    network,
    close: async () => {
      await network.close()
      await tracing?.shutdown()
    },
  }
}

/** `8 ms + 4 ms, 50 Mbit/s, 0.2 % stall for 200 ms`. */
export function linkText({ conditions, isUp }: Pick<Link, 'conditions' | 'isUp'>): string {
  const { latencyMs, jitterMs, bytesPerMs, stall, stallMs, reset } = conditions
  return [
    ...(isUp ? [] : ['CUT']),
    `${latencyMs} ms${jitterMs > 0 ? ` + up to ${jitterMs} ms` : ''}`,
    ...(bytesPerMs < Infinity ? [`${Number((bytesPerMs * 0.008).toPrecision(6))} Mbit/s`] : []),
    ...(stall > 0 ? [`${Number((stall * 100).toPrecision(6))} % stall for ${stallMs} ms`] : []),
    ...(reset > 0 ? [`${Number((reset * 100).toPrecision(6))} % reset`] : []),
  ].join(', ')
}
