/**
 * The preprocessing service as a program. Nothing here is about tracing: it is started with
 * `node --import @spoor/instrument/register preprocessing/main.js`.
 */
import { cac } from 'cac'
import { readPort, runCli } from '../service/cli.ts'
import { runService } from '../service/serve.ts'
import { startPreprocessing } from './service.ts'

const cli = cac('preprocessing')
cli
  .command('', 'Takes photographs, makes them ready for the models and hands them to the ensemble')
  .option('--port <port>', 'Port, on $SERVICE_HOST or 127.0.0.1', { default: 5010 })
  .option('--ensemble <url>', "The ensemble's URL", { default: 'http://127.0.0.1:5011' })
  .option('--results <url>', "The ensemble's URL for those who ask for results. Default: that of --ensemble")
  .action(async ({ port, ensemble, results }: { port: number; ensemble: string; results?: string }) => {
    await runService('preprocessing', async () =>
      startPreprocessing({ port: readPort('--port', port), ensemble, ...(results !== undefined && { results }) }),
    )
  })
await runCli(cli)
