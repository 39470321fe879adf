import type { CAC } from 'cac'
import type { Io } from './cli-output.ts'
import type { OptionValue } from './cli-values.ts'
import { DEFAULT_DURATION, DEFAULT_SENDERS, loadgenCommand } from './loadgen/command.ts'
import { runTool } from './tools/run-tool.ts'

type Options = Readonly<Record<string, OptionValue>>

/** The load generator. Exit codes: 0 it was acknowledged and, with --verify, is there; 1 it was not; 2 wrong use. */
export function addLoadgenCommand(cli: CAC, io: Io, choose: (action: () => Promise<number>) => void): void {
  cli
    .command('loadgen', 'Send spans to what takes OTLP, here or anywhere, and say how that went')
    .option('--endpoint <url>', 'Where to (default: http://127.0.0.1:4317, with --protocol http http://127.0.0.1:4318)')
    .option('--protocol <protocol>', 'grpc (default) or http, with protobuf')
    .option('--compression <coding>', 'none (default) or gzip')
    .option('--header <name=value>', 'A header of each request, as authorization=Bearer…; may be repeated')
    .option(
      '--shape <name>',
      'shop (default): even, 467 bytes; market: 41 services, as uneven as real; small-spans; small-requests: a trace each',
    )
    .option('--spans-per-request <n>', 'Of shop (default: 512)')
    .option('--span-size <size>', 'Of shop: larger spans, as 2kB')
    .option('--rate <spans>', 'Spans a second, as 500 or 20k (default: as many as are taken)')
    .option('--senders <n>', `Connections, each with one request in flight (default: ${DEFAULT_SENDERS})`)
    .option('--spans <n>', 'Until so many are sent, as 300k or 10M')
    .option('--duration <time>', `Until so long has passed, as 30s or 5m (default: ${DEFAULT_DURATION})`)
    .option('--over <time>', 'Times of the spans lie over so long back from now, as 6h (default: the last minute)')
    .option('--seed <n>', 'Same seed, same spans and ids (default: another each time; it is told)')
    .option(
      '--verify <url>',
      'Read traces back over Jaeger’s API there, as http://127.0.0.1:16686, and count their spans',
    )
    .option('--json', 'Print one JSON value, for other programs')
    .action((options: Options) => {
      const output = { ...io, json: options['json'] === true }
      choose(async () => {
        const command = loadgenCommand(options)
        const { runLoadgen } = await import('./loadgen/run.ts')
        return runTool(output, (tool) => runLoadgen(command, output, tool))
      })
    })
}
