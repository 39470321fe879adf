/** What a running world shows of itself, and what its faults do to its processes and links. */
import type { FaultMessage } from '../../service/faults.ts'
import type { Addresses } from '../addresses.ts'
import type { Program } from '../child.ts'
import { FaultBoard } from '../faults/board.ts'
import type { Breakable } from '../faults/board.ts'
import type { Processes } from '../processes.ts'
import { faultsEnvironment } from '../programs.ts'
import type { Network } from '../sites/network.ts'
import { linkText } from '../sites/open.ts'
import type { Controlled } from './server.ts'

/** A world that runs. */
export interface ControlsOptions {
  /** Spoor's page. */
  readonly page: string
  /** The folder of photographs. */
  readonly photographs: string
  readonly addresses: Addresses
  readonly processes: Processes
  /** How each service is started, by name; the client is not one of them. */
  readonly services: ReadonlyMap<string, Program>
  /** Where there are sites. */
  readonly network: Network | undefined
}

/** A board of faults for this world, with what its control shows. */
export function createControls(options: ControlsOptions): Controlled {
  const { page, photographs, addresses, processes, network } = options
  const { preprocessing, otlp, sites, places } = addresses
  const url = (port: number): string => `http://${places.addressOf(port)}:${port}`
  const names = ['client', ...options.services.keys()]
  const links = network?.links ?? []
  return {
    board: new FaultBoard(breakable(options, names)),
    describe: () => ({
      page,
      upload: `${url(preprocessing)}/preprocessing`,
      otlp: url(otlp['client']?.http ?? 0),
      photographs,
      services: names.map((name) => ({
        name,
        running: processes.find(name) !== undefined,
        ...(sites[name] !== undefined && { site: sites[name] }),
      })),
      processes: processes.running.map(({ program: { name }, pid = 0 }) => ({ name, pid })),
      links: links.map((link) => ({ name: link.name, up: link.isUp, text: linkText(link) })),
    }),
  }
}

function breakable({ processes, services, network }: ControlsOptions, names: readonly string[]): Breakable {
  return {
    services: names,
    links: network?.links.map(({ name }) => name) ?? [],
    tell: (service, faults) => processes.find(service)?.send({ faults } satisfies FaultMessage),
    stop: (service) => processes.end(service),
    async start(service, name, faults) {
      const program = services.get(service)
      if (!program) throw new Error(`${service} cannot be started anew`)
      await processes.end(service)
      const env = { ...program.env, ...faultsEnvironment(faults), OTEL_SERVICE_NAME: name }
      await processes.start([{ ...program, env }])
    },
    cut(name, cut) {
      if (network) network.link(name).isUp = !cut
    },
    delay(name, ms) {
      const link = network?.link(name)
      if (link) link.conditions = { ...link.usual, latencyMs: link.usual.latencyMs + ms }
    },
  }
}
