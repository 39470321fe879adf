import { resourceStartOf } from '../access.ts'
import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Finding, type Rule } from './finding.ts'
import { isHealthCheck } from './health-checks.ts'
import { templateOf } from './names-with-ids.ts'
import type { SeenTrace } from './seen-trace.ts'

const SERVER = 2
/** So many requests of each program, none of whose operations the other one has. */
const LEAST_REQUESTS = 30
/** Instances that are kept of a service, and operations of one. */
const MAX_INSTANCES = 200
const MAX_OPERATIONS = 200
/** A method alone, which all services have, says nothing of what is served. */
const GENERAL = /^(?:HTTP )?(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|QUERY)$/

interface Instance {
  readonly operations: Set<string>
  readonly evidence: Evidence
  requests: number
}

interface Service {
  readonly languages: Map<string, Evidence>
  readonly instances: Map<string, Instance>
}

/** A name that two programs have: they are two services, and shown as one. They speak two languages, or serve nothing that is the same. */
export function sharedName(): Rule {
  const services = new Map<string, Service>()
  return {
    add(seen) {
      const told = new Set<number>()
      for (let row = 0; row < seen.trace.size; row++) {
        const resource = resourceStartOf(seen.trace, row)
        const isKnown = told.has(resource)
        if (isKnown && seen.trace.kind[row] !== SERVER) continue
        const language = seen.resource(row, ['telemetry.sdk.language'])
        // The pages of a service may have its name.
        if (language === '' || language === 'webjs') continue
        const service = at(services, seen.service(row), (): Service => ({ languages: new Map(), instances: new Map() }))
        if (!isKnown) {
          told.add(resource)
          at(service.languages, language, () => new Evidence()).add(seen, row)
        }
        if (seen.trace.kind[row] === SERVER) noteRequest(service, seen, row)
      }
    },
    found: () =>
      [...services].flatMap(([service, { languages, instances }]) => {
        if (languages.size < 2) return programsOf(service, instances)
        // The one that most of the spans are of keeps the name.
        const ranked = [...languages].sort(([, a], [, b]) => b.count - a.count)
        const names = ranked.map(([language]) => language)
        const what = `Programs in ${names.join(' and ')} are all called ${service}: they are shown as one service.`
        return [finding(service, [service], what, names.slice(1), ranked.at(-1)![1])]
      }),
  }
}

function noteRequest({ instances }: Service, seen: SeenTrace, row: number): void {
  const name = templateOf(seen.name(row))
  if (GENERAL.test(name) || isHealthCheck(name)) return
  const process = seen.resource(row, ['service.instance.id', 'process.pid'])
  // Without it the programs of a machine cannot be told apart.
  if (process === '') return
  const key = `${seen.host(row)}\n${process}`
  if (instances.size >= MAX_INSTANCES && !instances.has(key)) return
  const instance = at(instances, key, (): Instance => ({
    operations: new Set(),
    evidence: new Evidence(),
    requests: 0,
  }))
  instance.requests++
  instance.evidence.add(seen, row)
  if (instance.operations.size < MAX_OPERATIONS) instance.operations.add(name)
}

/** Instances that have operations in common are of one program. */
function programsOf(service: string, instances: ReadonlyMap<string, Instance>): Finding[] {
  const programs: Instance[] = []
  for (const { operations, evidence, requests } of instances.values()) {
    const program: Instance = { operations: new Set(operations), evidence, requests }
    for (let index = programs.length - 1; index >= 0; index--) {
      const other = programs[index]!
      if (![...other.operations].some((operation) => program.operations.has(operation))) continue
      for (const operation of other.operations) program.operations.add(operation)
      program.requests += other.requests
      programs.splice(index, 1)
    }
    programs.push(program)
  }
  const sure = programs.filter(({ requests }) => requests >= LEAST_REQUESTS).sort((a, b) => b.requests - a.requests)
  // Of one that has answered little nobody knows what else it serves.
  if (sure.length < 2 || sure.length < programs.length) return []
  const examples = sure.slice(0, 3).map(({ operations }) => JSON.stringify([...operations][0]))
  const what = `${sure.length} programs are all called ${service}, one with ${examples.join(', one with ')}, and none serves what another does: they are shown as one service.`
  return [finding(service, ['programs', service], what, ['2'], sure.at(-1)!.evidence)]
}

/** `ends`: what tells the others' names from the first one's. */
function finding(
  service: string,
  about: readonly string[],
  what: string,
  ends: readonly string[],
  evidence: Evidence,
): Finding {
  return {
    id: idOf('shared_name', ...about),
    code: 'shared_name',
    severity: 'warning',
    what,
    where: `service ${service}`,
    services: [service],
    mend: 'Give each its own name.',
    lines: ends.map((end) => ({
      kind: 'env' as const,
      text: `OTEL_SERVICE_NAME=${/^[\w.-]+$/.test(service) ? service : 'shop'}-${end.replaceAll(/\W/g, '')}`,
    })),
    ...evidence.report(),
  }
}
