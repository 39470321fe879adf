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
      'bundled',
      'bun',
      { 'package.json': manifest({ scripts: { build: 'bun build app.ts --target=node --outdir out' } }) },
      {},
      'npm pkg set "scripts.build=bun build --packages external app.ts --target=node --outdir out"',
    ],
    [
      'bundled',
      'esbuild by a file',
      {
        'package.json': manifest({ scripts: { build: 'node build.mjs' } }),
        'build.mjs':
          "import esbuild from 'esbuild'\nawait esbuild.build({ bundle: true, platform: 'node', /* here */ })\n",
      },
      {},
      "packages: 'external',",
    ],
    [
      'bundled',
      'webpack',
      {
        'package.json': manifest({ scripts: { build: 'webpack' } }),
        'webpack.config.cjs': "module.exports = { target: 'node', /* here */ }\n",
      },
      {},
      'externals: [({ request }, done) => (/^[@a-z]/i.test(request) ? done(null, `commonjs ${request}`) : done())],',
    ],
    [
      'preload_starts_nothing',
      'the package and not its register entry, in a script',
      {
        'package.json': manifest({ ...traced, scripts: { start: 'node --import @spoor/instrument app.js' } }),
        'app.js': '',
      },
      {},
      'npm pkg set "scripts.start=node --import @spoor/instrument/register app.js"',
    ],
    [
      'preload_starts_nothing',
      'the package and not its register entry, for all of Node',
      { 'package.json': manifest(traced) },
      { NODE_OPTIONS: '--import @spoor/instrument' },
      'NODE_OPTIONS=--import @spoor/instrument/register',
    ],
    [
      'env_file_not_loaded',
      'nothing reads it',
      {
        'package.json': manifest({ ...traced, scripts: { start: 'node --import @spoor/instrument/register app.js' } }),
        'app.js': '',
        '.env': 'PORT=80\nOTEL_SERVICE_NAME=shop\nOTEL_TRACES_SAMPLER=parentbased_always_on\n',
      },
      {},
      'npm pkg set "scripts.start=node --env-file=.env --import @spoor/instrument/register app.js"',
    ],
    [
      'env_file_not_loaded',
      'dotenv reads it too late',
      {
        'package.json': manifest({
          dependencies: { ...traced.dependencies, dotenv: '17' },
          scripts: { start: 'node --import @spoor/instrument/register app.js' },
        }),
        'app.js': "import 'dotenv/config'\n",
        '.env': 'export OTEL_TRACES_SAMPLER=parentbased_always_on\n',
      },
      {},
      'npm pkg set "scripts.start=node --env-file=.env --import @spoor/instrument/register app.js"',
    ],
    [
      'pm2_without_preload',
      'pm2',
      {
        'package.json': manifest(traced),
        'app.js': '',
        'ecosystem.config.cjs': "module.exports = { apps: [{ script: './app.js', /* here */ }] }\n",
      },
      {},
      "node_args: '--import @spoor/instrument/register',",
    ],
    [
      'loopback_of_container',
      'a Dockerfile',
      {
        'package.json': manifest({}),
        Dockerfile: 'FROM node\nENV OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318\n',
      },
      {},
      'ENV OTEL_EXPORTER_OTLP_ENDPOINT=http://host.docker.internal:4318',
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
    else if (line.startsWith('ENV OTEL_')) mended['Dockerfile'] = `FROM node\n${line}\n`
    else if (line.startsWith('ENV ')) mended['Dockerfile'] = files['Dockerfile']!.replace('CMD', `${line}\nCMD`)
    else
      for (const [name, text] of Object.entries(files))
        if (text.includes('/* here */')) mended[name] = text.replace('/* here */', () => line)
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

  it('bundles for browsers, bundles without packages, and variables that something reads are told nothing of', async () => {
    const files = {
      'package.json': manifest({
        dependencies: { ...traced.dependencies, dotenv: '17' },
        scripts: {
          start: 'node app.js',
          web: 'esbuild page.js --bundle --outfile=page.min.js',
          all: 'esbuild app.js --bundle --platform=node --packages=external --outfile=out.js',
        },
      }),
      // It reads the variables before it starts tracing.
      'app.js': "import 'dotenv/config'\nimport './tracing.js'\n",
      '.env': 'OTEL_TRACES_SAMPLER=parentbased_always_on\n',
      'webpack.config.js': "module.exports = { target: 'web' }\n",
      'esbuild.config.mjs':
        "import esbuild from 'esbuild'\nesbuild.build({ bundle: true, platform: 'node', external: ['express'] })\n",
      'ecosystem.config.js':
        "module.exports = { apps: [{ script: 'app.js' }, { script: 'job.js', node_args: '--import ./tracing.js' }] }\n",
    }
    const report = await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() }, { directory: folder(files) })
    expect(report.diagnoses).toEqual([])
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

describe('containers', () => {
  const compose = (app: string, more = ''): string => `services:\n  app:\n    image: app\n${app}${more}`
  const asMap = '    environment:\n      OTEL_EXPORTER_OTLP_ENDPOINT: http://localhost:4318\n'
  const asList = '    environment:\n      - OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318/v1/traces\n'
  const collector = '  traces:\n    image: otel/opentelemetry-collector\n'
  it.each([
    ['a map', asMap, '', 'OTEL_EXPORTER_OTLP_ENDPOINT: http://host.docker.internal:4318'],
    ['a list', asList, '', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: http://host.docker.internal:4318/v1/traces'],
    ['a collector beside it', asMap, collector, 'OTEL_EXPORTER_OTLP_ENDPOINT: http://traces:4318'],
  ])('loopback_of_container: %s', async (_, app, more, line) => {
    const examined = async (text: string) =>
      examine({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() }, { directory: folder({ 'compose.yaml': text }) })
    const { diagnoses } = await examined(compose(app, more))
    expect(diagnoses.map(({ code }) => code)).toEqual(['loopback_of_container'])
    expect(diagnoses[0]!.lines[0]!.text).toBe(line)
    expect((await examined(compose(`    environment:\n      ${line}\n`, more))).diagnoses).toEqual([])
  })

  it.each([
    ['the network of the machine', compose(`${asMap}    network_mode: host\n`)],
    ['that of another container', compose(`${asMap}    network_mode: service:traces\n`, collector)],
    [
      'another address',
      compose('    environment:\n      OTEL_EXPORTER_OTLP_ENDPOINT: http://localhost.example:4318\n'),
    ],
    ['nothing that can be read', 'services: [\n'],
    ['no services', '# later\n'],
  ])('%s is told nothing of', async (_, text) => {
    const directory = folder({ 'docker-compose.yml': text })
    expect((await examine({ OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl() }, { directory })).diagnoses).toEqual([])
  })
})
