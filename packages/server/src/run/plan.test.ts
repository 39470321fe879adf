import { expect, test } from 'vitest'
import type { Lookup } from './lookup.ts'
import { planRun, type RunSettings } from './plan.ts'

const look: Lookup = {
  interpreter: (command) => ({ uvicorn: 'python', tsx: 'node' })[command] as 'python' | 'node' | undefined,
  register: () => 'file:///register.js',
  pythonInstrument: () => '/venv/bin/opentelemetry-instrument',
  javaAgent: () => '/app/opentelemetry-javaagent.jar',
  folder: () => 'shop',
}
const nothing: Lookup = {
  ...look,
  register: () => undefined,
  pythonInstrument: () => undefined,
  javaAgent: () => undefined,
}
const settings: RunSettings = { service: undefined, endpoint: undefined }

const common = {
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_BSP_SCHEDULE_DELAY: '1000',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
}

test.each([
  ['node', ['app.js'], { NODE_OPTIONS: '--import=file:///register.js' }, 'node', ['app.js']],
  ['tsx', ['app.ts'], { NODE_OPTIONS: '--import=file:///register.js' }, 'tsx', ['app.ts']],
  ['uvicorn', ['app:app'], { OTEL_SERVICE_NAME: 'shop' }, '/venv/bin/opentelemetry-instrument', ['uvicorn', 'app:app']],
  [
    'python3.13',
    ['-m', 'shop'],
    { OTEL_SERVICE_NAME: 'shop' },
    '/venv/bin/opentelemetry-instrument',
    ['python3.13', '-m', 'shop'],
  ],
  [
    'uv',
    ['run', 'uvicorn', 'app:app'],
    { OTEL_SERVICE_NAME: 'shop' },
    'uv',
    ['run', 'opentelemetry-instrument', 'uvicorn', 'app:app'],
  ],
  [
    'java',
    ['-jar', 'shop.jar'],
    { JAVA_TOOL_OPTIONS: '-javaagent:/app/opentelemetry-javaagent.jar' },
    'java',
    ['-jar', 'shop.jar'],
  ],
])('%s is started with what its language needs', (file, args, env, startedFile, startedArgs) => {
  expect(planRun([file, ...args], settings, {}, look)).toEqual({
    file: startedFile,
    args: startedArgs,
    env: { ...common, ...env },
    notes: [],
  })
})

test.each([
  ['node', /^@spoor\/instrument is not installed: npm install @spoor\/instrument$/],
  ['uvicorn', /^opentelemetry-instrument is not installed beside uvicorn, .*: pip install opentelemetry-distro /],
  ['java', /^opentelemetry-javaagent\.jar is not here, .*: curl -LO https:/],
  ['./shop', /^"shop" is no command of Node, Python or Java/],
])('%s: what is missing is said, and it runs all the same', (file, note) => {
  const plan = planRun([file, 'x'], settings, {}, nothing)
  expect(plan).toMatchObject({ file, args: ['x'], env: common })
  expect(plan.notes).toEqual([expect.stringMatching(note)])
})

test('what the environment says already stays, and options win over it', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317',
    OTEL_LOGS_EXPORTER: 'otlp',
    OTEL_SERVICE_NAME: 'from-env',
    NODE_OPTIONS: '--max-old-space-size=100',
  }
  expect(planRun(['node'], settings, env, look).env).toEqual({
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_BSP_SCHEDULE_DELAY: '1000',
    NODE_OPTIONS: '--max-old-space-size=100 --import=file:///register.js',
  })
  expect(planRun(['uvicorn'], settings, env, look).env['OTEL_SERVICE_NAME']).toBe('from-env')
  expect(planRun(['uvicorn'], { service: 'shop', endpoint: 'http://h:1' }, env, look).env).toMatchObject({
    OTEL_SERVICE_NAME: 'shop',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:1',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
  })
})
