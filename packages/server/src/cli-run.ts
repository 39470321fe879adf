import type { CAC } from 'cac'
import { type Io, sayOf } from './cli-output.ts'
import { type OptionValue, textOf } from './cli-values.ts'
import { SpoorError } from './error.ts'

type Options = Readonly<Record<string, OptionValue>>

/** `spoor run -- node app.js`. Its exit code is the command's. */
export function addRunCommand(cli: CAC, io: Io, choose: (action: () => Promise<number>) => void): void {
  cli
    .command('run', 'Run a command traced, without a change to its code: spoor run -- node app.js')
    .usage('run [options] -- <command> [arguments]')
    .example('  spoor run -- node app.js')
    .example('  spoor run --service shop -- uvicorn app:app')
    .option('--service <name>', 'Name of the service (default: $OTEL_SERVICE_NAME, else of its package or folder)')
    .option('--endpoint <url>', 'Where Spoor takes OTLP over HTTP (default: what is set, else http://localhost:4318)')
    .action((options: Options) =>
      choose(async () => {
        const command = (options['--'] ?? []) as readonly string[]
        if (command.length === 0) {
          throw new SpoorError('option', 'which command? Write it after two dashes: spoor run -- node app.js')
        }
        const { runTraced } = await import('./run/run.ts')
        return runTraced(command, {
          service: textOf('service', options['service']),
          endpoint: textOf('endpoint', options['endpoint']),
          directory: process.cwd(),
          env: process.env,
          say: sayOf(io),
        })
      }),
    )
}
