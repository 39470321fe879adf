import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { namingVariables, variableOf, withEnvironment } from './cli-environment.ts'
import { commandLine, runCli } from './cli.ts'
import { SpoorError } from './error.ts'

const io = { stdout: new PassThrough(), stderr: new PassThrough() }
const cli = commandLine(io, () => {})
const command = (name: string) => cli.commands.find((one) => one.name === name)!
const ingest = command('ingest')
const asGiven = { create: true }

it('takes from the environment what the command line leaves open', () => {
  const env = { SPOOR_HOST: '0.0.0.0', SPOOR_OTLP_GRPC_PORT: '5317', SPOOR_MAX_DISK: ' ', HOST: 'x' }
  const { options, variables } = withEnvironment(ingest, { ...asGiven, otlpGrpcPort: 1 }, env)
  expect(options).toEqual({ create: true, host: '0.0.0.0', otlpGrpcPort: 1 })
  expect([...variables]).toEqual([['host', 'SPOOR_HOST']])
})

it('has a variable for every option of each program', () => {
  for (const name of ['', 'query', 'ingest']) {
    const { options: known } = command(name)
    const values: Record<string, string> = {}
    for (const { rawName, isBoolean, negated } of known)
      values[variableOf(/--([a-z-]+)/.exec(rawName)![1]!)] = isBoolean || negated ? 'true' : 'value'
    const { options } = withEnvironment({ options: known }, asGiven, values)
    const left = known.filter((option) => !['data', 'store'].includes(option.name))
    for (const { name: key, negated } of left)
      expect([key, options[key]]).not.toEqual([key, negated ? true : undefined])
    expect(left.length).toBeGreaterThan(5)
  }
})

it.each([
  ['true', { create: false }],
  ['0', { create: true }],
])('SPOOR_NO_CREATE=%s', (value, expected) => {
  expect(withEnvironment(ingest, asGiven, { SPOOR_NO_CREATE: value }).options).toEqual(expected)
})

it('has one on each line of what may be repeated', () => {
  const { options } = withEnvironment(ingest, asGiven, { SPOOR_CONFIG: 'a.yaml\n  yaml:a: {b, c}\n\n' })
  expect(options['config']).toEqual(['a.yaml', 'yaml:a: {b, c}'])
})

describe('a store and a data directory', () => {
  const env = { SPOOR_STORE: 'clickhouse://ch/d', SPOOR_DATA: '/data', SPOOR_MAX_AGE: '3d' }
  const taken = (given: object): object => {
    const { store, data, maxAge } = withEnvironment(ingest, { ...asGiven, ...given }, env).options
    return { store, data, maxAge }
  }
  it('one on the command line leaves the other in the environment without effect', () => {
    expect(taken({ store: 'clickhouse://other' })).toEqual({ store: 'clickhouse://other' })
    expect(taken({ data: 'here' })).toEqual({ data: 'here', maxAge: '3d' })
    expect(taken({ data: 'here', store: 'clickhouse://other' })).toEqual({ data: 'here', store: 'clickhouse://other' })
  })
  it('the store goes first where both are in the environment', () => {
    expect(taken({})).toEqual({ store: 'clickhouse://ch/d', maxAge: '3d' })
  })
})

it('names the variable of what is wrong, and the option of what the command line says', () => {
  const variables = new Map([['max-age', 'SPOOR_MAX_AGE']])
  const told = (message: string): string =>
    (namingVariables(new SpoorError('option', message), variables) as Error).message
  expect(told('--keep-age must be longer than --max-age: …')).toBe('--keep-age must be longer than SPOOR_MAX_AGE: …')
  expect(told('--max-age-not: x--max-age')).toBe('--max-age-not: x--max-age')
  const other = new SpoorError('listen', 'taken: choose another with --max-age')
  expect(namingVariables(other, variables)).toBe(other)
})

it('tells what looks like an option and is none, and nothing of what Kubernetes sets', () => {
  const env = { SPOOR_PAGEPORT: '1', SPOOR_PAGE_PORT_16686_TCP: 'tcp://10.0.0.1', SPOOR_SEED: '1', SPOOR_REPORTS: '1' }
  const { warnings } = withEnvironment(command('query'), {}, env)
  expect(warnings).toEqual([expect.stringMatching(/SPOOR_PAGEPORT.*SPOOR_PAGE_PORT$/) as string])
})

const storedIn = (store: string): string =>
  `yaml:{receivers: {otlp: {protocols: {http: }}}, exporters: {spoor_storage: {store: '${store}'}}, service: {pipelines: {traces: {receivers: [otlp], exporters: [spoor_storage]}}}}`

it.each<[string[], Record<string, string>, RegExp]>([
  [['query'], { SPOOR_STORE: '' }, /spoor query needs a store: .*SPOOR_STORE/],
  [['ingest'], { SPOOR_NO_CREATE: 'maybe' }, /^.*SPOOR_NO_CREATE: "maybe" is not true or false/],
  [['ingest'], { SPOOR_DATA: 'd', SPOOR_STATUS_PORT: '70000' }, /SPOOR_STATUS_PORT: "70000" is not a port/],
  [['ingest', '--store', 'clickhouse://h'], { SPOOR_STATUS_PORT: 'tcp://10.0.0.7:80' }, /enableServiceLinks: false/],
  [['query', '--store', 'clickhouse://h', '--data', 'd'], {}, /--data is of a data directory/],
  [
    ['ingest', '--config', storedIn('clickhouse://h/d'), '--max-disk', '1GB'],
    {},
    /--max-disk is of a data directory, and with exporters.spoor_storage.store there is none/,
  ],
  [['--config', storedIn('clickhouse://h/d/e')], {}, /exporters.spoor_storage.store: .*database/],
  [['collector'], { SPOOR_CONFIG: '/nowhere.yaml' }, /SPOOR_CONFIG \/nowhere.yaml: ENOENT/],
])('%j refuses %j', async (args, env, message) => {
  const before = { ...process.env }
  Object.assign(process.env, env)
  const out = new PassThrough()
  try {
    expect(await runCli(['node', 'spoor', ...args], { stdout: out, stderr: out })).toBe(2)
  } finally {
    for (const name of Object.keys(env)) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  }
  expect(String(out.read())).toMatch(message)
})
