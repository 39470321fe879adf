/** What Dockerfiles and compose files name is there: stages, paths, contexts, targets, ports, options, variables. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OTHER_VARIABLES, optionsOf, portsOf, roleOf, spoor, variableOf, workspace } from './cli-options.ts'
import { buildOf, dependenciesOf, networksOf, readCompose } from './compose.ts'
import { mountOf, portOf } from './docker.ts'
import { execForm, pairsOf, parseDockerfile, words } from './dockerfile.ts'
import type { Stage, Step } from './dockerfile.ts'
import { ignoring } from './ignored.ts'

const read = (path: string): string => readFileSync(join(workspace, path), 'utf8')
const ignored = ignoring(read('.dockerignore'))
const DOCKERFILES = ['Dockerfile', 'examples/object-classification/Dockerfile']
const COMPOSE = globSync(['examples/object-classification/compose/*.yaml', 'deploy/*/compose.yaml'], { cwd: workspace })
  .filter((file) => /^services:/m.test(read(file)))
  .sort()
/** Public images, as they are pinned. */
const PUBLIC = [
  'jaegertracing/jaeger:2.9.0',
  'otel/opentelemetry-collector-contrib:0.133.0',
  'clickhouse/clickhouse-server:26.8',
  'apache/kafka:4.1.0',
]

/** All steps of a stage and of those that it is made from, the first first. */
function lineage(stages: readonly Stage[], name: string): Step[] {
  const stage = stages.find((one) => one.name === name)
  return stage ? [...lineage(stages, stage.base), ...stage.steps] : []
}

const last = (steps: readonly Step[], instruction: string): Step | undefined =>
  steps.findLast((step) => step.instruction === instruction)

/** The source of a built file of an image. */
function sourceOf(path: string): string {
  return path
    .replace(/^\/spoor\//, 'packages/server/')
    .replace(/^dist\/(.*)\.js$/, 'examples/object-classification/src/$1.ts')
}

describe.each(DOCKERFILES)('%s', (file) => {
  const { stages, args } = parseDockerfile(read(file))
  const names = stages.map(({ name }) => name)
  const targets = stages.filter(({ steps }) => steps.some(({ instruction }) => instruction === 'ENTRYPOINT'))

  it('copies what is there, and goes into the image', () => {
    for (const { name, steps } of stages)
      for (const { instruction, flags, text, line } of steps) {
        if (instruction !== 'COPY') continue
        const from = flags['from']
        if (from !== undefined) expect(names.slice(0, names.indexOf(name)), `line ${line}`).toContain(from)
        else
          for (const path of words(text).slice(0, -1)) {
            const found = globSync(path, { cwd: workspace })
            expect(found.length, `line ${line}: ${path}`).toBeGreaterThan(0)
            expect(found.filter(ignored), `line ${line}: ${path}, by .dockerignore`).toEqual([])
          }
      }
  })

  it('has the package.json of every workspace before it installs', () => {
    const { workspaces } = JSON.parse(read('package.json')) as { workspaces: string[] }
    for (const stage of stages) {
      const steps = lineage(stages, stage.name)
      const install = steps.findIndex(({ instruction, text }) => instruction === 'RUN' && text.includes('npm ci'))
      if (install < 0) continue
      const copied = steps.slice(0, install).flatMap(({ text }) => words(text))
      for (const folder of workspaces) expect(copied).toContain(`${folder}/package.json`)
    }
  })

  it('is made from a Node that the program runs on', () => {
    expect(args['NODE']).toBe('node:24-slim')
    expect(stages.map(({ base }) => base).filter((base) => !names.includes(base))).toEqual(
      Array.from({ length: stages.filter(({ base }) => base === args['NODE']).length }, () => args['NODE']),
    )
  })

  it.each(targets.map(({ name }) => name))('%s starts what is there, without a shell and without root', (name) => {
    const steps = lineage(stages, name)
    expect(last(steps, 'USER')?.text).toBe('1000:1000')
    const entry = execForm(last(steps, 'ENTRYPOINT')!.text)!
    expect(entry[0]).toBe('node')
    const script = entry.find((word) => word.endsWith('.js'))!
    expect(existsSync(join(workspace, sourceOf(script))), script).toBe(true)
    const cmd = last(steps, 'CMD')
    expect(cmd === undefined || execForm(cmd.text) !== undefined).toBe(true)
    // What it is told has to be among what it can be told.
    const told = [...entry.slice(entry.indexOf(script) + 1), ...(cmd ? execForm(cmd.text)! : [])]
    const own = script.startsWith('/spoor') ? optionsOf(roleOf(told).role) : exampleOptions(sourceOf(script))
    for (const option of roleOf(told).options) expect(own).toContain(option)
    const health = last(steps, 'HEALTHCHECK')
    if (name === 'client') expect(health).toBeUndefined()
    else expect(execForm(health!.text.replace(/^CMD /, ''))![0]).toBe('node')
  })

  it('sets variables that somebody reads', () => {
    const set = stages.flatMap(({ steps }) => steps.filter(({ instruction }) => instruction === 'ENV'))
    for (const name of set.flatMap(({ text }) => Object.keys(pairsOf(text)))) expect(isRead(name), name).toBe(true)
  })
})

it('the collector’s image has a configuration where otelcol’s has it, and it is valid', () => {
  const { stages } = parseDockerfile(read('Dockerfile'))
  const steps = lineage(stages, 'collector')
  const place = '/etc/otelcol-contrib/config.yaml'
  const copied = steps.find(({ instruction, text }) => instruction === 'COPY' && text.endsWith(place))
  expect(execForm(last(steps, 'CMD')!.text)).toEqual(['--config', place])
  const source = words(copied!.text)[0]!.replace('/src/', '')
  expect(spoor('validate', '--config', join(workspace, source))).toEqual({
    status: 0,
    output: expect.stringContaining('is valid') as string,
  })
})

describe.each(COMPOSE)('%s', (file) => {
  const compose = readCompose(join(workspace, file))
  const services = Object.entries(compose.services)

  it.each(services)('%s', (_, service) => {
    const build = buildOf(compose, service)
    if (!build) {
      expect(PUBLIC).toContain(service.image)
      return
    }
    const dockerfile = relative(workspace, build.dockerfile)
    expect(DOCKERFILES).toContain(dockerfile)
    expect(resolve(build.context)).toBe(workspace)
    const { stages } = parseDockerfile(read(dockerfile))
    const target = build.target ?? stages.at(-1)!.name
    const steps = lineage(stages, target)
    expect(steps.length, target).toBeGreaterThan(0)
    const declared = stages.flatMap((stage) => stage.steps.filter(({ instruction }) => instruction === 'ARG'))
    for (const arg of Object.keys(build.args ?? {}))
      expect(
        declared.some(({ text }) => text.startsWith(`${arg}=`)),
        arg,
      ).toBe(true)
    const exposed = steps
      .filter(({ instruction }) => instruction === 'EXPOSE')
      .flatMap(({ text }) => words(text).map(Number))
    for (const port of (service.ports ?? []).map(portOf)) expect(exposed).toContain(port.container)
    const entry = execForm(last(steps, 'ENTRYPOINT')!.text)!
    const script = entry.find((word) => word.endsWith('.js'))!
    const told = [...entry.slice(entry.indexOf(script) + 1), ...(service.command ?? [])]
    const { role, options } = roleOf(told)
    const isSpoor = script.startsWith('/spoor')
    const known = isSpoor ? optionsOf(role) : exampleOptions(sourceOf(script))
    for (const option of options) expect(known).toContain(option)
    const mounts = (service.volumes ?? []).map((volume) => mountOf(volume, compose.folder))
    const configs = mounts
      .filter(({ source }) => source.startsWith('/'))
      .map(({ source }) => readFileSync(source, 'utf8'))
    for (const name of Object.keys(service.environment ?? {}))
      expect(
        isSpoor
          ? known.map(variableOf).includes(name) ||
              OTHER_VARIABLES.includes(name) ||
              configs.some((text) => text.includes(`\${env:${name}`))
          : isRead(name),
        name,
      ).toBe(true)
    if (isSpoor) for (const port of exposedByCompose(service.ports)) expect(portsOf(role, configs[0])).toContain(port)
    expect(service['cap_drop']).toEqual(['ALL'])
    expect([service.read_only, service.tmpfs]).toEqual([true, ['/tmp']])
  })

  it('names networks, volumes, files and services that are there', () => {
    for (const [name, service] of services) {
      for (const network of Object.keys(networksOf(service)))
        expect([...compose.networks, 'default'], name).toContain(network)
      for (const volume of service.volumes ?? []) {
        const { source, target } = mountOf(volume, compose.folder)
        if (!source.startsWith('/')) expect(compose.volumes, name).toContain(source)
        else expect(existsSync(source), source).toBe(true)
        if (target.endsWith('.yaml')) expect(spoor('validate', '--config', source).output).toMatch(/ is valid\n/)
      }
      for (const { name: other, healthy } of dependenciesOf(service)) {
        expect(Object.keys(compose.services), name).toContain(other)
        // Only of our images it is known that they have a check.
        if (healthy) expect(buildOf(compose, compose.services[other]!), `${name} waits for ${other}`).toBeDefined()
      }
    }
  })

  it('has no port of the machine twice', () => {
    const ports = services.flatMap(([, { ports = [] }]) => ports.map((port) => portOf(port).host))
    expect([...new Set(ports)]).toEqual(ports)
  })
})

it('in every setting of the example one takes spans as `telemetry`, and one shows them as `jaeger`', () => {
  const files = COMPOSE.filter((file) => file.includes('/compose/') && !file.endsWith('services.yaml'))
  expect(files.map((file) => file.split('/').at(-1))).toEqual([
    'collector-jaeger.yaml',
    'collector-spoor.yaml',
    'jaeger.yaml',
    'otelcol-jaeger.yaml',
    'otelcol-spoor.yaml',
    'spoor.yaml',
  ])
  for (const file of files) {
    const { services } = readCompose(join(workspace, file))
    const telemetry = Object.entries(services).filter(([, service]) =>
      networksOf(service)['tracing']?.includes('telemetry'),
    )
    expect(
      telemetry.map(([name]) => name),
      file,
    ).toEqual([/collector|otelcol/.test(file) ? 'otelcol' : 'jaeger'])
    expect(services['jaeger']!.ports, file).toContain('127.0.0.1:16686:16686')
    expect(services['preprocessing']!.environment!['OTEL_EXPORTER_OTLP_ENDPOINT']).toBe('http://telemetry:4317')
  }
})

function exposedByCompose(ports: readonly string[] = []): number[] {
  return ports.map((port) => portOf(port).container)
}

/** The options that a program of the example declares. */
function exampleOptions(main: string): string[] {
  const folder = dirname(join(workspace, main))
  const text = globSync('*.ts', { cwd: folder }).map((name) => readFileSync(join(folder, name), 'utf8'))
  return [...text.join('\n').matchAll(/'(?:-\w, )?(--[\w-]+)/g)].map(([, name]) => name!)
}

let sources: string | undefined
/** Whether a variable is Node's, OpenTelemetry's, or is read by our code. */
function isRead(name: string): boolean {
  if (name === 'NODE_ENV' || /^OTEL_[A-Z_]+$/.test(name)) return true
  if ([...optionsOf(''), ...optionsOf('ingest')].map(variableOf).includes(name)) return true
  sources ??= globSync(['packages/instrument/src/**/*.ts', 'examples/object-classification/src/**/*.ts'], {
    cwd: workspace,
  })
    .map(read)
    .join('\n')
  return new RegExp(`env(?:\\.|\\[')${name}\\b|'${name}'`).test(sources)
}
