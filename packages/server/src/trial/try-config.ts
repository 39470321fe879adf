/** `spoor collector test`: what a configuration makes of some requests, without a port and in no time. */
import { type ConfigText, EMPTY_CONTEXT, type Factory, type Logger, startTrial } from '@spoor/collector'
import { createBatch, type Signal } from '@spoor/otlp'
import { SpoorError } from '../error.ts'
import { counted, print, type ToolOutput, toned } from '../tools/output.ts'
import { differences, readExpectation, writeExpectation } from './expectation.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { ITEMS, outcomeLines } from './outcome-lines.ts'
import { receiverFor } from './receiver.ts'
import { Recorder } from './recorder.ts'
import { readRequests, type TrialRequest } from './requests.ts'
import { spansIn } from './spans.ts'

export interface TestCommand {
  readonly config: readonly ConfigText[]
  readonly factories: readonly Factory[]
  /** OTLP/JSON; `-` is the standard input. */
  readonly files: readonly string[]
  /** The receiver that gets them. Default: the only one, or the first that speaks OTLP. */
  readonly receiver: string | undefined
  /** Headers of the requests, by their names in lower case. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  /** Between one request and the next, milliseconds. */
  readonly everyMs: number
  /** After the last one, before the pipelines are stopped, milliseconds. */
  readonly forMs: number
  /** A file with what should come out. */
  readonly expect: string | undefined
  /** Writes that file. */
  readonly update: boolean
}

const SHOWN_LOG_LINES = 10

/** 0; 1 where what came out is not what was expected, or a request was refused. */
export async function testConfig(command: TestCommand, output: ToolOutput): Promise<number> {
  const { expect, update, files } = command
  const requests = readRequests(files)
  const { outcome, warnings, log } = await run(command, requests)
  const exporters = Object.keys(outcome.output)
  if (expect !== undefined && update) writeExpectation(expect, outcome.output)
  const wrong = expect === undefined || update ? [] : differences(readExpectation(expect, exporters), outcome.output)
  for (const warning of warnings) output.stderr.write(`${warning}\n`)
  const report = {
    ...outcome,
    log,
    ...(expect !== undefined && { expected: { file: expect, differences: wrong } }),
  }
  print(output, report, () => [
    headLine(command, requests),
    '',
    ...outcomeLines(outcome, output),
    ...(log.length > 0 ? ['', toned(output, 'yellow', 'told on the way')] : []),
    ...log.map((line) => `  ${line}`),
    ...(expect === undefined
      ? []
      : ['', verdictOf(expect, update, wrong, output), ...wrong.map((line) => `  ${line}`)]),
  ])
  return wrong.length > 0 || (expect === undefined && outcome.refused.length > 0) ? 1 : 0
}

function headLine({ config, files }: TestCommand, requests: readonly TrialRequest[]): string {
  const bySignal = new Map<Signal, number>()
  for (const { signal, items } of requests) bySignal.set(signal, (bySignal.get(signal) ?? 0) + items)
  const items = Array.from(bySignal, ([signal, count]) => counted(count, ITEMS[signal])).join(', ')
  return `${config.map(({ file }) => file).join(', ')} with ${files.join(', ')}: ${items} in ${counted(requests.length, 'request')}`
}

function verdictOf(file: string, update: boolean, wrong: readonly string[], output: ToolOutput): string {
  if (update) return `${toned(output, 'green', 'written')} ${file}`
  if (wrong.length === 0) return `${toned(output, 'green', 'as expected')} by ${file}`
  return `${toned(output, 'red', 'not as expected')} by ${file}; --update writes what came out`
}

interface Run {
  readonly outcome: Outcome
  readonly warnings: readonly string[]
  readonly log: readonly string[]
}

async function run(command: TestCommand, requests: readonly TrialRequest[]): Promise<Run> {
  const { config, factories, headers, everyMs, forMs } = command
  const recorder = new Recorder()
  for (const { signal, bytes } of requests) if (signal === 'traces') recorder.input.push(bytes)
  const log: string[] = []
  const { onBatch, onCondition } = recorder
  const trial = await startTrial({
    config,
    factories,
    logger: keeper(log),
    startMs: startOf(recorder.input),
    onBatch,
    onCondition,
  })
  const refused: string[] = []
  try {
    for (const [index, { signal, bytes, items }] of requests.entries()) {
      if (index > 0) await trial.pass(everyMs)
      const receiver = receiverFor(trial, signal, command.receiver)
      const context = { ...EMPTY_CONTEXT, metadata: headers }
      await trial
        .give(receiver, createBatch(signal, [{ bytes, items }]), context)
        .catch((error: Error) => refused.push(`request ${index + 1}: ${error.message}`))
    }
    await trial.pass(forMs)
  } finally {
    await trial.end()
  }
  return { outcome: outcomeOf(trial, recorder, refused), warnings: trial.warnings, log: log.slice(0, SHOWN_LOG_LINES) }
}

/** The clock begins where the spans end, so that the same requests give the same outcome at any time. */
function startOf(requests: readonly Uint8Array[]): number {
  let end = 0n
  for (const { span } of spansIn(requests).values()) if (span.endTimeUnixNano > end) end = span.endTimeUnixNano
  return end === 0n ? Date.now() : Number(end / 1_000_000n)
}

/** Keeps what a person should know, each once. */
function keeper(lines: string[]): Logger {
  const keep: Logger['warn'] = (fields, message) => {
    const { component, ...rest } = fields as { component?: string }
    const line = `${component === undefined ? '' : `${component}: `}${message} ${JSON.stringify(rest)}`
    if (!lines.includes(line)) lines.push(line)
  }
  return { debug: () => {}, info: () => {}, warn: keep, error: keep }
}

/** Throws SpoorError `option` where there are no files. */
export function checkFiles(files: readonly string[]): void {
  if (files.length === 0)
    throw new SpoorError(
      'option',
      'spoor collector test needs requests: spoor collector test CONFIG FILE..., OTLP/JSON',
    )
}
