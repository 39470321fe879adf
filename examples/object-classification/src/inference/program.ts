/**
 * The inference service as a program, without a word of tracing. There are three ways to have it traced, and the same
 * trace comes of each: `main.ts` starts tracing in code, `manual.ts` by hand with OpenTelemetry's SDK, and `plain.ts` not
 * at all, so that `node --import @spoor/instrument/register` does it.
 */
import { cac } from 'cac'
import { readPort, runCli } from '../service/cli.ts'
import { findModel } from './model-file.ts'

interface Flags {
  readonly port: number
  readonly model?: string
  readonly name?: string
  readonly modelVersion?: string | number
  readonly labels: string
}

/**
 * Parses the arguments, and serves the model.
 *
 * @param startTracing Called with the service's name before anything is loaded that is to be traced.
 */
export async function runInference(startTracing: (serviceName: string) => void): Promise<void> {
  const cli = cac('inference')
  cli
    .command('', 'Serves one ONNX model over HTTP')
    .option('--port <port>', 'Port, on $SERVICE_HOST or 127.0.0.1', { default: 5012 })
    .option('--model <file>', 'The ONNX file, or a folder with one')
    .option('--name <name>', "The model's name. Default: the name of its file")
    .option('--model-version <version>', "The model's version, for its spans")
    .option('--labels <file>', 'The 1000 labels as a JSON array', { default: '.cache/labels.json' })
    .action(async ({ port, model, name, modelVersion, labels }: Flags) => {
      if (model === undefined) throw new Error('needs --model <file.onnx>')
      const found = await findModel(model)
      const modelName = name ?? found.name
      const version = modelVersion ?? found.version
      const serviceName = process.env['OTEL_SERVICE_NAME'] ?? `inference-${modelName}`
      startTracing(serviceName)
      // Loaded now and not above, so that http and the rest are instrumented before they are used.
      const [{ startInference }, { readLabels }, { runService }] = await Promise.all([
        import('./service.ts'),
        import('../service/labels-file.ts'),
        import('../service/serve.ts'),
      ])
      await runService(serviceName, async () =>
        startInference({
          port: readPort('--port', port),
          name: modelName,
          ...(version !== undefined && { version: String(version) }),
          model: found.file,
          labels: await readLabels(labels),
        }),
      )
    })
  await runCli(cli)
}
