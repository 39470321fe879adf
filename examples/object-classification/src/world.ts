/**
 * The world: fetches what is needed, starts Spoor and the services, sends photographs, shows what came out of it and
 * where its traces are, and goes on with a trickle of requests until it is stopped.
 */
import { cac } from 'cac'
import { runCli } from './service/cli.ts'
import { runWorld } from './world/run.ts'
import { readSettings } from './world/settings.ts'
import type { Flags } from './world/settings.ts'
import './world/leash.ts'

const cli = cac('npm start --')
cli
  .command('', 'Starts Spoor and the object-classification services, and sends photographs through them')
  .option('--via-collector', 'Puts a separate collector process between the services and Spoor')
  .option('--world <file>', 'Places services on sites, with links between them, as world.yaml says')
  .option('--netns', 'Each program in a network namespace with an address and a name of its own (Linux, root)')
  .option(
    '--with-queue',
    'RabbitMQ and PostgreSQL of this machine for the results, instead of a queue and a database in Node',
  )
  .option('--queue-url <url>', 'A RabbitMQ that runs already: amqp://user:password@host:port')
  .option('--database-url <url>', 'A PostgreSQL that runs already: postgres://user:password@host:port/name')
  .option('--models <names>', 'mobilenet, inception, mobilenet_v1, resnet50, or paths of .onnx files', {
    default: 'mobilenet,inception',
  })
  .option('--inference <urls>', 'Further inference services that run already, such as that of npm run python')
  .option('--protocol <protocol>', 'How the services report: grpc or http/protobuf', { default: 'grpc' })
  .option('--rate <per-second>', 'Requests a second after the first photographs', { default: 0.2 })
  .option('--ds_path <folder>', 'Your own folder of photographs')
  .option('--once', 'Sends each photograph once, checks labels and traces, and ends')
  .option('--json', 'After the first photographs: a line of JSON for each')
  .option('--state <folder>', 'Where traces (data/) and logs (logs/) are kept', { default: '.spoor' })
  .option('--page-port <port>', "Spoor's page and query API", { default: 16686 })
  .option('--otlp-grpc-port <port>', 'OTLP over gRPC', { default: 4317 })
  .option('--otlp-http-port <port>', 'OTLP over HTTP', { default: 4318 })
  .option('--control-port <port>', 'The page of the world, with the switches of its faults', { default: 5009 })
  .option('--preprocessing-port <port>', 'The preprocessing service', { default: 5010 })
  .option('--ensemble-port <port>', 'The ensemble service', { default: 5011 })
  .option('--inference-1-port <port>', 'The first inference service', { default: 5012 })
  .option('--inference-2-port <port>', 'The second inference service; a third follows it', { default: 5013 })
  .option('--queue-port <port>', "The queue of results in the ensemble's process", { default: 5007 })
  .option('--consumer-port <port>', 'The consumer, which stores results', { default: 5008 })
  .option('--collector-grpc-port <port>', "The collector's OTLP over gRPC", { default: 4327 })
  .option('--collector-http-port <port>', "The collector's OTLP over HTTP", { default: 4328 })
  .action(async (flags: Flags) => {
    process.exitCode = await runWorld(readSettings(flags))
  })
await runCli(cli)
