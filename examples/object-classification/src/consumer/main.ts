/**
 * The consumer as a program. Nothing here is about tracing: it is started with
 * `node --import @spoor/instrument/register consumer/main.js`.
 */
import { cac } from 'cac'
import { queueKind } from '../results/queue.ts'
import { readPort, runCli } from '../service/cli.ts'
import { runService } from '../service/serve.ts'
import { startConsumer } from './service.ts'

interface Flags {
  readonly port: number
  readonly queue: string
  readonly database: string
}

const cli = cac('consumer')
cli
  .command('', 'Takes results from the queue and stores them in the database')
  .option('--port <port>', 'Port, on $SERVICE_HOST or 127.0.0.1', { default: 5008 })
  .option(
    '--queue <url>',
    'amqp://host:port of RabbitMQ, or memory://host:port of the ensemble. QUEUE_URL says it, too',
    {
      default: process.env['QUEUE_URL'] ?? 'memory://127.0.0.1:5007',
    },
  )
  .option('--database <url>', 'postgres://user@host:port/name, or pglite: and a folder. DATABASE_URL says it, too', {
    default: process.env['DATABASE_URL'] ?? 'pglite:.spoor/database',
  })
  .action(async ({ port, queue, database }: Flags) => {
    queueKind(queue)
    await runService('consumer', async () =>
      startConsumer({
        port: readPort('--port', port),
        queue,
        database,
        onFailure: ({ message }) => {
          console.error(`the consumer cannot use its database: ${message}`)
          process.exit(1)
        },
      }),
    )
  })
await runCli(cli)
