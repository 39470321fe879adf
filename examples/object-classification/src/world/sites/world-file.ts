/** `world.yaml`: which services are on which site, and how the links between sites are. */
import { readFile } from 'node:fs/promises'
import { LineCounter, parseDocument } from 'yaml'
import type { Document } from 'yaml'
import { z } from 'zod'
import { IDEAL } from './link.ts'
import type { HopDisplay, LinkConditions } from './link.ts'
import { readBandwidth, readDuration, readShare } from './units.ts'

/** How a site's spans are gathered before they go to Spoor: in a queue on the disk, in memory, or not at all. */
type SiteCollector = 'disk' | 'memory' | 'none'

/** A place where services run. */
export interface Site {
  readonly name: string
  readonly services: readonly string[]
  readonly collector: SiteCollector
}

/** A world as its file tells of it. */
export interface WorldFile {
  readonly sites: readonly Site[]
  readonly links: readonly {
    readonly between: readonly [string, string]
    readonly conditions: LinkConditions
    readonly show: HopDisplay
  }[]
}

const NAME = /^[a-z][a-z0-9]*$/

/** A value with a unit. YAML reads `0` as a number: it needs none. */
function quantity(read: (text: string) => number | undefined, example: string, zero: number | undefined) {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const number = value === 0 ? zero : read(String(value).trim())
    if (number !== undefined) return number
    context.addIssue({ code: 'custom', message: `"${value}" is not one; write it as ${example}` })
    return z.NEVER
  })
}
const duration = quantity(readDuration, '20ms or 1.5s', 0)
const share = quantity(readShare, '2%, at most 100%', 0)
const bandwidth = quantity(readBandwidth, '20Mbit/s or 500kbit/s', undefined)

const schema = z.strictObject({
  sites: z
    .record(
      z.string().regex(NAME, 'a name of a site has small letters and digits, and begins with a letter'),
      z.strictObject({
        services: z.array(z.string()).min(1).readonly(),
        collector: z.enum(['disk', 'memory', 'none']).default('memory'),
      }),
    )
    .refine((sites) => Object.keys(sites).length > 0, 'at least one site'),
  links: z
    .array(
      z.strictObject({
        between: z.tuple([z.string(), z.string()]),
        latency: duration.default(IDEAL.latencyMs),
        jitter: duration.default(IDEAL.jitterMs),
        bandwidth: bandwidth.default(IDEAL.bytesPerMs),
        stall: share.default(IDEAL.stall),
        stall_time: duration.default(IDEAL.stallMs),
        reset: share.default(IDEAL.reset),
        show: z.enum(['none', 'event', 'span']).default('none'),
      }),
    )
    .default([]),
})

/** Keys that somebody may look for, and what is there instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  loss: 'nothing can be lost on a relay of TCP: write stall (held up, as when a packet is sent again) or reset',
  delay: 'write latency',
  rate: 'write bandwidth',
}

/** Something is wrong with the file; the message says where and what. */
export class WorldFileError extends Error {
  override readonly name = 'WorldFileError'
}

/**
 * Reads and checks a world.
 *
 * @param services All that have to be somewhere: `client`, `preprocessing`, `ensemble`, `inference-…`, `spoor`.
 * @throws {WorldFileError} With the file's name, line and column, and the path of what is wrong: one line each.
 */
export async function readWorldFile(file: string, services: readonly string[]): Promise<WorldFile> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new WorldFileError(`--world ${file}: the file cannot be read`, { cause })
  })
  return parseWorldFile(text, file, services)
}

/** Pure part of {@link readWorldFile}. */
export function parseWorldFile(text: string, file: string, services: readonly string[]): WorldFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [broken] = document.errors
  if (broken) {
    const [first = ''] = broken.message.split('\n')
    throw new WorldFileError(`${file}: ${first}`)
  }
  const place = (path: readonly PropertyKey[]): string =>
    `${file}:${positionOf(document, lines, path)} ${path.join('.')}`
  const read = schema.safeParse(document.toJS())
  if (!read.success) throw new WorldFileError(read.error.issues.flatMap((issue) => told(issue, place)).join('\n'))
  const { sites, links } = read.data
  const world: WorldFile = {
    sites: Object.entries(sites).map(([name, { services: patterns, collector }]) => ({
      name,
      services: services.filter((service) => patterns.some((pattern) => matches(pattern, service))),
      collector,
    })),
    links: links.map(({ between, show, ...link }) => ({
      between,
      show,
      conditions: {
        latencyMs: link.latency,
        jitterMs: link.jitter,
        bytesPerMs: link.bandwidth,
        stall: link.stall,
        stallMs: link.stall_time,
        reset: link.reset,
      },
    })),
  }
  const wrong = [...wrongPlaces(world, sites, services), ...wrongLinks(world), ...unreachable(world)]
  if (wrong.length > 0)
    throw new WorldFileError(wrong.map(({ path, message }) => `${place(path)}: ${message}`).join('\n'))
  return world
}

interface Wrong {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** Each service has to be on one site, and each name has to be that of a service. */
function wrongPlaces(
  { sites }: WorldFile,
  written: Readonly<Record<string, { readonly services: readonly string[] }>>,
  services: readonly string[],
): Wrong[] {
  const unknown = Object.entries(written).flatMap(([site, { services: patterns }]) =>
    patterns.flatMap((pattern, index) =>
      services.some((service) => matches(pattern, service))
        ? []
        : [
            {
              path: ['sites', site, 'services', index],
              message: `there is no ${pattern}; there are ${services.join(', ')}`,
            },
          ],
    ),
  )
  const misplaced = services.flatMap((service) => {
    const on = sites.filter((site) => site.services.includes(service)).map(({ name }) => name)
    if (on.length === 1) return []
    const message =
      on.length === 0 ? `${service} is on no site` : `${service} is on more than one site: ${on.join(', ')}`
    return [{ path: ['sites'], message }]
  })
  return [...unknown, ...misplaced]
}

/** Links join two sites that are there, and two sites have one link. */
function wrongLinks({ sites, links }: WorldFile): Wrong[] {
  const names = sites.map(({ name }) => name)
  const seen = new Set<string>()
  return links.flatMap(({ between }, index) => {
    const path = ['links', index, 'between']
    const stranger = between.find((name) => !names.includes(name))
    if (stranger !== undefined)
      return [{ path, message: `there is no site ${stranger}; there are ${names.join(', ')}` }]
    if (between[0] === between[1]) return [{ path, message: `a link joins two sites, not ${between[0]} with itself` }]
    const pair = [...between].sort().join(' ')
    if (seen.has(pair)) return [{ path, message: `${between.join(' and ')} have a link already` }]
    seen.add(pair)
    return []
  })
}

/** Whatever site a service is on, it may have to call one on any other. */
function unreachable({ sites, links }: WorldFile): Wrong[] {
  const [first] = sites
  if (!first) return []
  const reached = new Set([first.name])
  for (const site of reached)
    for (const { between } of links) if (between.includes(site)) for (const other of between) reached.add(other)
  return sites
    .filter(({ name }) => !reached.has(name))
    .map(({ name }) => ({ path: ['sites', name], message: `no links lead from ${first.name} to ${name}` }))
}

/** `inference-*` is each service whose name begins so. */
function matches(pattern: string, service: string): boolean {
  return pattern.endsWith('*') ? service.startsWith(pattern.slice(0, -1)) : pattern === service
}

function told(issue: z.core.$ZodIssue, place: (path: readonly PropertyKey[]) => string): string[] {
  if (issue.code !== 'unrecognized_keys') return [`${place(issue.path)}: ${issue.message}`]
  return issue.keys.map((key) => `${place([...issue.path, key])}: ${INSTEAD[key] ?? 'there is no such key'}`)
}

/** `line:column` of the value at the path, or of what it would be in. */
function positionOf(document: Document.Parsed, lines: LineCounter, path: readonly PropertyKey[]): string {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    const range = (node as { range?: readonly [number, number, number] } | undefined)?.range
    if (!range) continue
    const { line, col } = lines.linePos(range[0])
    return `${line}:${col}`
  }
  return '1:1'
}
