/**
 * The inference service as a program. Tracing is started in code here, before anything that is to be traced is loaded;
 * the other services show the way without code, `node --import @spoor/instrument/register`.
 */
import { basename } from 'node:path'
import { startTracing } from '@spoor/instrument'
import { cac } from 'cac'
import { readPort, runCli } from '../service/cli.ts'

const cli = cac('inference')
cli
  .command('', 'Serves one ONNX model over HTTP')
  .option('--port <port>', 'Port on 127.0.0.1', { default: 5012 })
  .option('--model <file>', 'The ONNX file')
  .option('--name <name>', "The model's name. Default: the name of its file")
  .option('--labels <file>', 'The 1000 labels as a JSON array', { default: '.cache/labels.json' })
  .action(async ({ port, model, name, labels }: { port: number; model?: string; name?: string; labels: string }) => {
    if (model === undefined) throw new Error('needs --model <file.onnx>')
    const modelName = name ?? basename(model, '.onnx')
    const serviceName = process.env['OTEL_SERVICE_NAME'] ?? `inference-${modelName}`
    startTracing({ serviceName })
    // Loaded now and not above, so that http and the rest are instrumented before they are used.
    const [{ startInference }, { readLabels }, { runService }] = await Promise.all([
      import('./service.ts'),
      import('../service/labels-file.ts'),
      import('../service/serve.ts'),
    ])
    await runService(serviceName, async () =>
      startInference({ port: readPort('--port', port), name: modelName, model, labels: await readLabels(labels) }),
    )
  })
await runCli(cli)
