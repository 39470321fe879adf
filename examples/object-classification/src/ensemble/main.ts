/**
 * The ensemble service as a program. Nothing here is about tracing: it is started with
 * `node --import @spoor/instrument/register ensemble/main.js`.
 */
import { cac } from 'cac'
import { readPort, runCli } from '../service/cli.ts'
import { readLabels } from '../service/labels-file.ts'
import { runService } from '../service/serve.ts'
import { startEnsemble } from './service.ts'

interface Flags {
  readonly port: number
  readonly inference: string
  readonly labels: string
  readonly queue?: string
}

const cli = cac('ensemble')
cli
  .command('', 'Asks several models about an image and averages what they say')
  .option('--port <port>', 'Port, on $SERVICE_HOST or 127.0.0.1', { default: 5011 })
  .option('--inference <urls>', "The inference services' URLs, separated by commas", {
    default: 'http://127.0.0.1:5012,http://127.0.0.1:5013',
  })
  .option('--labels <file>', 'The 1000 labels as a JSON array', { default: '.cache/labels.json' })
  .option(
    '--queue <url>',
    'Where results are sent to: amqp://host:port of RabbitMQ, or memory://127.0.0.1:port for a queue in this process. QUEUE_URL says it, too. Default: nowhere',
  )
  .action(async ({ port, inference, labels, queue = process.env['QUEUE_URL'] }: Flags) => {
    await runService('ensemble', async () =>
      startEnsemble({
        port: readPort('--port', port),
        inference: inference.split(',').filter((url) => url !== ''),
        labels: await readLabels(labels),
        ...(queue !== undefined && { queue }),
      }),
    )
  })
await runCli(cli)
