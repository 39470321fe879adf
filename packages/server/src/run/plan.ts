import { basename } from 'node:path'
import type { Lookup } from './lookup.ts'

/** A command as it is to be started, and what is said before it. */
export interface Plan {
  readonly file: string
  readonly args: readonly string[]
  /** Beside what the environment has already. */
  readonly env: Readonly<Record<string, string>>
  /** One line each, for what the user should know or do. */
  readonly notes: readonly string[]
}

export interface RunSettings {
  /** `OTEL_SERVICE_NAME`; undefined: what is set, or what the language's SDK makes of it. */
  readonly service: string | undefined
  /** Where Spoor takes OTLP over HTTP; undefined: what is set, or `http://localhost:4318`. */
  readonly endpoint: string | undefined
}

/** Where Java's agent is to be had. */
const JAVA_AGENT =
  'https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar'
/** Commands that run another one, which their first argument is not. */
const PYTHON_RUNNERS = new Set(['uv', 'poetry', 'pipenv', 'pdm', 'hatch'])

/**
 * How a command is started so that it is traced without a change to its code: by the environment for all, a preload for
 * Node, `opentelemetry-instrument` for Python, the agent for Java. What the environment sets already stays. What is
 * missing is said with the line that installs it, and the command runs without.
 */
export function planRun(
  [file = '', ...args]: readonly string[],
  settings: RunSettings,
  env: NodeJS.ProcessEnv,
  look: Lookup,
): Plan {
  const common = commonEnv(settings, env)
  switch (languageOf(file, look)) {
    case 'node':
      return planNode(file, args, common, env, look)
    case 'python':
      return planPython(file, args, settings, common, env, look)
    case 'java':
      return planJava(file, args, common, env, look)
    default:
      return {
        file,
        args,
        env: common,
        notes: [
          `"${basename(file)}" is no command of Node, Python or Java: its environment says where spans go, and it must make them itself (docs/instrumentation.md)`,
        ],
      }
  }
}

function commonEnv({ service, endpoint }: RunSettings, env: NodeJS.ProcessEnv): Record<string, string> {
  const isTold = Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'])
  const defaults: Record<string, string> = {
    // Spoor keeps traces; without these, SDKs send it metrics and logs, too.
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OTEL_BSP_SCHEDULE_DELAY: '1000',
    ...(endpoint === undefined &&
      !isTold && {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      }),
  }
  return {
    ...Object.fromEntries(Object.entries(defaults).filter(([name]) => !env[name])),
    ...(endpoint !== undefined && {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    }),
    ...(service !== undefined && { OTEL_SERVICE_NAME: service }),
  }
}

function languageOf(file: string, look: Lookup): 'node' | 'python' | 'java' | undefined {
  const name = basename(file).replace(/\.(exe|cmd|bat)$/i, '')
  if (name === 'node' || name === 'nodejs') return 'node'
  if (name === 'java') return 'java'
  if (/^python[\d.]*$/.test(name) || PYTHON_RUNNERS.has(name)) return 'python'
  return look.interpreter(file)
}

function planNode(
  file: string,
  args: readonly string[],
  common: Record<string, string>,
  env: NodeJS.ProcessEnv,
  look: Lookup,
): Plan {
  const register = look.register()
  if (register === undefined) {
    return { file, args, env: common, notes: ['@spoor/instrument is not installed: npm install @spoor/instrument'] }
  }
  const options = [env['NODE_OPTIONS'], `--import=${register}`].filter(Boolean).join(' ')
  return { file, args, env: { ...common, NODE_OPTIONS: options }, notes: [] }
}

function planPython(
  file: string,
  args: readonly string[],
  { service }: RunSettings,
  common: Record<string, string>,
  env: NodeJS.ProcessEnv,
  look: Lookup,
): Plan {
  const named = service ?? env['OTEL_SERVICE_NAME'] ?? look.folder()
  const python = { ...common, OTEL_SERVICE_NAME: named }
  if (PYTHON_RUNNERS.has(basename(file)) && args[0] === 'run') {
    return { file, args: ['run', 'opentelemetry-instrument', ...args.slice(1)], env: python, notes: [] }
  }
  const instrument = look.pythonInstrument(file)
  if (instrument === undefined) {
    return {
      file,
      args,
      env: python,
      notes: [
        `opentelemetry-instrument is not installed beside ${basename(file)}, so it is not traced: ` +
          'pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http && opentelemetry-bootstrap -a install',
      ],
    }
  }
  const notes = args.includes('--reload') ? ['--reload starts another process, which is not traced: leave it out'] : []
  return { file: instrument, args: [file, ...args], env: python, notes }
}

function planJava(
  file: string,
  args: readonly string[],
  common: Record<string, string>,
  env: NodeJS.ProcessEnv,
  look: Lookup,
): Plan {
  const agent = look.javaAgent()
  if (agent === undefined) {
    return {
      file,
      args,
      env: common,
      notes: [`opentelemetry-javaagent.jar is not here, so it is not traced: curl -LO ${JAVA_AGENT}`],
    }
  }
  const options = [env['JAVA_TOOL_OPTIONS'], `-javaagent:${agent}`].filter(Boolean).join(' ')
  return { file, args, env: { ...common, JAVA_TOOL_OPTIONS: options }, notes: [] }
}
