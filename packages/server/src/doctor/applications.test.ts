/** Applications that people set up wrong, by their files: each is named by its code with a line, the line is applied as it stands, and it works. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { applied, codesOf, openPractice } from './doctor.test.helper.ts'
import type { Environment } from './environment.ts'

const { examine, httpUrl } = openPractice()

/** A folder with these files. */
function folder(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-doctor-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
    if (content.startsWith('#!')) chmodSync(join(directory, name), 0o755)
  }
  return directory
}

const manifest = (value: object): string => JSON.stringify({ name: 'app', ...value })

describe('a Node application', () => {
  const traced = { dependencies: { '@spoor/instrument': '1', express: '5' } }
  const lateEsm = "import express from 'express'\nimport './tracing.js'\n"
  it.each<[code: string, name: string, files: Record<string, string>, environment: Environment, line: string]>([
    [
      'tracing_not_loaded',
      'nothing loads it',
      {
        'package.json': manifest({ ...traced, scripts: { start: 'node app.js' } }),
        'app.js': "import express from 'express'\n",
      },
      {},
      'npm pkg set "scripts.start=node --import @spoor/instrument/register app.js"',
    ],
    [
      'loaded_before_tracing',
      'imported late',
      { 'package.json': manifest({ ...traced, type: 'module', scripts: { start: 'node app.js' } }), 'app.js': lateEsm },
      {},
      'npm pkg set "scripts.start=node --import ./tracing.js app.js"',
    ],
    [
      'require_for_esm',
      '--require of ES modules',
      {
        'package.json': manifest({
          ...traced,
          type: 'module',
          scripts: { start: 'node --require ./tracing.cjs app.js' },
        }),
        'app.js': '',
      },
      {},
      'npm pkg set "scripts.start=node --import ./tracing.cjs app.js"',
    ],
    [
      'bundled',
      'esbuild',
      { 'package.json': manifest({ scripts: { build: 'esbuild app.js --bundle --platform=node --outfile=out.js' } }) },
      {},
      'npm pkg set "scripts.build=esbuild app.js --bundle --packages=external --platform=node --outfile=out.js"',
    ],
    [
      'preload_missing',
      'a path that is not there',
      { 'package.json': manifest({}) },
      { NODE_OPTIONS: '--import ./nothing.js' },
      'NODE_OPTIONS=--import @spoor/instrument/register',
    ],
    [
      'next_bundles_it',
      'Next.js',
      {
        'package.json': manifest({ dependencies: { next: '16', '@spoor/instrument': '1' } }),
        'next.config.mjs': 'export default {}\n',
      },
      {},
      "serverExternalPackages: ['@spoor/instrument'],",
    ],
    [
      'docker_without_preload',
      'a container that goes past the script',
      {
        'package.json': manifest({ ...traced, scripts: { start: 'node --import @spoor/instrument/register app.js' } }),
        Dockerfile: 'FROM node\nCMD ["node", "app.js"]\n',
      },
      {},
      'ENV NODE_OPTIONS="--import @spoor/instrument/register"',
    ],
  ])('%s: %s', async (code, _, files, environment, line) => {
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), ...environment }
    const installed = { 'node_modules/@spoor/instrument/package.json': '{}' }
    const report = await examine(set, { directory: folder({ ...installed, ...files }) })
    const told = report.diagnoses.find((one) => one.code === code)
    expect(codesOf(report)).toContain(code)
    expect(told!.lines.map(({ text: one }) => one)).toContain(line)
    // The line, applied to the file or the environment that it is for.
    const key = /^npm pkg set "scripts\.(\w+)=(.*)"$/.exec(line)
    const mended: Record<string, string> = { ...installed, ...files }
    if (key) {
      const before = JSON.parse(files['package.json']!) as { scripts: Record<string, string> }
      mended['package.json'] = JSON.stringify({ ...before, scripts: { ...before.scripts, [key[1]!]: key[2]! } })
    } else if (code === 'next_bundles_it') mended['next.config.mjs'] = `export default { ${line} }\n`
    else if (line.startsWith('ENV ')) mended['Dockerfile'] = files['Dockerfile']!.replace('CMD', `${line}\nCMD`)
    const again = await examine(line.startsWith('NODE_OPTIONS') ? applied(set, line) : set, {
      directory: folder(mended),
    })
    expect(codesOf(again)).not.toContain(code)
  })

  it('what is to be loaded is the file that there is, or is installed first', async () => {
    const files = { 'package.json': manifest({ ...traced, scripts: { start: 'node app.js' } }), 'app.js': '' }
    const lineOf = async (all: Record<string, string>) =>
      (await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() }, { directory: folder(all) })).diagnoses[0]?.lines[0]
        ?.text
    expect(await lineOf(files)).toBe(
      'npm install @spoor/instrument && npm pkg set "scripts.start=node --import @spoor/instrument/register app.js"',
    )
    expect(await lineOf({ ...files, 'tracing.mjs': '' })).toBe(
      'npm pkg set "scripts.start=node --import ./tracing.mjs app.js"',
    )
  })

  it('two_api_copies: both places and versions', async () => {
    const lock = {
      packages: {
        'node_modules/@opentelemetry/api': { version: '1.4.1' },
        'node_modules/a/node_modules/@opentelemetry/api': { version: '1.9.0' },
      },
    }
    const files = { 'package.json': manifest({}), 'package-lock.json': JSON.stringify(lock) }
    const report = await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() }, { directory: folder(files) })
    expect(report.diagnoses).toMatchObject([
      {
        code: 'two_api_copies',
        what: expect.stringContaining('node_modules/a/node_modules/@opentelemetry/api 1.9.0') as string,
      },
    ])
    expect(report.diagnoses[0]!.lines[0]!.text).toContain('1.9.0')
  })

  it('one that is right is told nothing of', async () => {
    const files = {
      'package.json': manifest({
        ...traced,
        type: 'module',
        scripts: {
          start: 'node --import @spoor/instrument/register app.js',
          dev: 'node --watch --import ./tracing.js app.js',
          build: 'tsc',
          test: 'vitest',
        },
      }),
      'app.js': "import './tracing.js'\nimport express from 'express'\n",
      'package-lock.json': JSON.stringify({ packages: { 'node_modules/@opentelemetry/api': { version: '1.9.0' } } }),
    }
    expect((await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() }, { directory: folder(files) })).diagnoses).toEqual(
      [],
    )
  })
})

describe('a Python application', () => {
  /** An environment with these packages: what its interpreter says of them. */
  const python = (packages: Record<string, string> = {}): Record<string, string> => ({
    '.venv/bin/python': `#!/bin/sh\necho '${JSON.stringify(['3.13.5', packages])}'\n`,
  })
  const usual = python({
    'opentelemetry-sdk': '1.27.0',
    'opentelemetry-exporter-otlp-proto-grpc': '1.27.0',
    'opentelemetry-exporter-otlp-proto-http': '1.27.0',
  })
  const grpc = 'from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter'
  const overHttp = 'from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter'
  const exporter = (port: number) =>
    `exporter = OTLPSpanExporter(endpoint="http://localhost:${port}${port === 4318 ? '/v1/traces' : ''}")\n`
  const setUp =
    'provider = TracerProvider()\nprovider.add_span_processor(BatchSpanProcessor(exporter))\ntrace.set_tracer_provider(provider)\n'
  it.each<[code: string, name: string, files: Record<string, string>, mend: (text: string, line: string) => string]>([
    [
      'exporter_shadowed',
      'imported last',
      { 'app.py': `${overHttp}\n${grpc}\n${exporter(4318)}` },
      (source, line) => source.replace(`${grpc}\n`, '').replace(overHttp, line),
    ],
    [
      'exporter_of_other_port',
      'the class of the other',
      { 'app.py': `${grpc}\n${exporter(4318)}` },
      (source, line) => source.replace(grpc, line),
    ],
    [
      'instrumented_before_provider',
      'the order',
      { 'app.py': `${overHttp}\nFastAPIInstrumentor.instrument_app(app)\n${exporter(4318)}${setUp}` },
      (source) =>
        source
          .replace('FastAPIInstrumentor.instrument_app(app)\n', '')
          .replace(setUp, `${setUp}FastAPIInstrumentor.instrument_app(app)\n`),
    ],
    [
      'no_processor',
      'nothing in between',
      { 'app.py': `${overHttp}\nprovider = TracerProvider()\n${exporter(4318)}` },
      (source, line) => `${source}${line}\n`,
    ],
    [
      'long_timeout',
      'milliseconds for seconds',
      {
        'app.py': `${overHttp}\nexporter = OTLPSpanExporter(\n    endpoint="http://x:4318/v1/traces",\n    timeout=10_000,\n)\n`,
      },
      (source, line) => {
        expect(line).toBe('timeout=10,')
        return source.replace('timeout=10_000,', line)
      },
    ],
  ])('%s: %s', async (code, _, files, mend) => {
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }
    const report = await examine(set, { directory: folder({ ...usual, ...files }) })
    const told = report.diagnoses.find((one) => one.code === code)
    expect(codesOf(report)).toContain(code)
    expect(told!.what).toContain('app.py')
    const mended = { 'app.py': mend(files['app.py']!, told!.lines[0]!.text) }
    expect(codesOf(await examine(set, { directory: folder({ ...usual, ...mended }) }))).not.toContain(code)
  })

  it('as the tutorial sets it up: all is well in the long form, and both slips of the short one are named', async () => {
    const written = (name: string): string =>
      readFileSync(new URL(`../../../../e2e/python/tutorial/${name}.py`, import.meta.url), 'utf8')
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }
    const told = async (name: string): Promise<readonly string[]> =>
      codesOf(await examine(set, { directory: folder({ ...usual, 'app.py': written(name) }) }))
    expect(await told('explained')).toEqual([])
    expect([...(await told('short'))].sort()).toEqual(['exporter_shadowed', 'instrumented_before_provider'])
  })

  it('is none of a Node application that has scripts of Python further down', async () => {
    const script = { 'tools/plot.py': 'from opentelemetry import trace\n' }
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }
    const alone = await examine(set, { directory: folder({ ...python(), ...script }) })
    expect(codesOf(alone)).toContain('no_sdk')
    const beside = await examine(set, { directory: folder({ ...python(), ...script, 'package.json': manifest({}) }) })
    expect(beside.diagnoses).toEqual([])
  })

  it('imports in branches, and packages that nobody imports, are told nothing of', async () => {
    const source = `if grpc:\n    ${grpc}\nelse:\n    ${overHttp}\n${exporter(4318)}`
    const packages = python({
      'opentelemetry-sdk': '1.27.0',
      'opentelemetry-exporter-otlp-proto-grpc': '1.27.0',
      'opentelemetry-exporter-otlp-proto-http': '1.27.0',
      requests: '2.32.0',
    })
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }
    expect((await examine(set, { directory: folder({ ...packages, 'app.py': source }) })).diagnoses).toEqual([])
  })

  it('forked: gunicorn with preload, and the hook that mends it', async () => {
    const old = { 'opentelemetry-sdk': '1.6.2', 'opentelemetry-exporter-otlp-proto-http': '1.6.2' }
    const files = {
      ...python(old),
      'app.py': `from opentelemetry.sdk.trace import TracerProvider\n${overHttp}\n${exporter(4318)}${setUp}`,
      'gunicorn.conf.py': 'preload_app = True\nworkers = 4\n',
    }
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }
    const report = await examine(set, { directory: folder(files) })
    const told = report.diagnoses.find(({ code }) => code === 'forked')
    expect(told?.lines[0]?.text).toContain('def post_fork')
    const mended = { ...files, 'gunicorn.conf.py': `${files['gunicorn.conf.py']}${told!.lines[0]!.text}\n` }
    expect(codesOf(await examine(set, { directory: folder(mended) }))).not.toContain('forked')
    // Newer ones start the thread anew.
    const newer = python({ ...old, 'opentelemetry-sdk': '1.7.1' })
    const codes = codesOf(await examine(set, { directory: folder({ ...files, ...newer }) }))
    expect(codes).not.toContain('forked')
    expect(codes).not.toContain('may_be_forked')
  })

  it.each<[code: string, packages: Record<string, string>, line: string, mended: Record<string, string>]>([
    [
      'no_sdk',
      { 'opentelemetry-api': '1.27.0' },
      'pip install opentelemetry-sdk opentelemetry-exporter-otlp',
      { 'opentelemetry-sdk': '1.27.0', 'opentelemetry-exporter-otlp': '1.27.0' },
    ],
    [
      'no_exporter',
      { 'opentelemetry-sdk': '1.27.0' },
      'pip install opentelemetry-exporter-otlp',
      { 'opentelemetry-exporter-otlp': '1.27.0' },
    ],
    [
      'versions_apart',
      {
        'opentelemetry-sdk': '1.27.0',
        'opentelemetry-exporter-otlp': '1.27.0',
        'opentelemetry-instrumentation-flask': '0.41b0',
      },
      'pip install --upgrade opentelemetry-instrumentation-flask==0.48b0',
      { 'opentelemetry-instrumentation-flask': '0.48b0' },
    ],
    [
      'not_instrumented',
      { 'opentelemetry-sdk': '1.27.0', 'opentelemetry-exporter-otlp': '1.27.0', flask: '3' },
      'pip install opentelemetry-instrumentation-flask',
      { 'opentelemetry-instrumentation-flask': '0.48b0' },
    ],
  ])('%s', async (code, packages, line, more) => {
    const set = { OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }
    const of = (all: Record<string, string>) =>
      examine(set, { directory: folder({ ...python(all), 'app.py': 'import flask\n' }) })
    const report = await of(packages)
    expect(report.python?.interpreter).toContain('3.13.5')
    expect(report.diagnoses).toMatchObject([{ code, lines: [{ kind: 'shell', text: line }] }])
    expect((await of({ ...packages, ...more })).diagnoses).toEqual([])
  })

  it('long_timeout: milliseconds in the environment, which counts seconds in Python alone', async () => {
    const files = { ...usual, 'requirements.txt': 'fastapi\n' }
    const set = (timeout: string) => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(),
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TIMEOUT: timeout,
    })
    const report = await examine(set('10000'), { directory: folder(files) })
    expect(report.diagnoses).toMatchObject([
      {
        code: 'long_timeout',
        what: expect.stringContaining('OTEL_EXPORTER_OTLP_TIMEOUT=10000: exports wait 2 h 46 min') as string,
        lines: [{ text: 'OTEL_EXPORTER_OTLP_TIMEOUT=10' }],
      },
    ])
    expect((await examine(set('10'), { directory: folder(files) })).diagnoses).toEqual([])
    const node = await examine(set('10000'), { directory: folder({ 'package.json': manifest({}) }) })
    expect(codesOf(node)).not.toContain('long_timeout')
  })

  it('port_of_other_protocol: the default of Python is grpc', async () => {
    const port = 4318
    const report = await examine(
      { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
      { directory: folder({ ...python(), 'requirements.txt': 'fastapi\n' }) },
    )
    expect(report.diagnoses.find(({ code }) => code === 'port_of_other_protocol')).toMatchObject({
      what: expect.stringContaining('default of Python') as string,
      lines: [{ text: 'OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf' }],
    })
  })
})
