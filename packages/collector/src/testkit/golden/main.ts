/**
 * `npm run golden -- --collector BINARY [FILTER]`: asks a real OpenTelemetry Collector (a contrib build with `otlp` receiver and `file` exporter) for the answers of
 * golden cases, those whose name has FILTER in it, and writes them into their files. What is asked, and comments, stay.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isCollection, isScalar, parseDocument, type Document, type Node } from 'yaml'
import { readGoldenCases, withoutMachine, withRanks } from './case.ts'
import { digestOf } from './here.ts'
import { runReal, versionOf, type RealOutcome } from './real.ts'
import { readWireCases } from './wire-case.ts'
import { runWireReal } from './wire-real.ts'

/** Collections that fit on a line are on one. */
const LINE_CHARS = 120

const args = process.argv.slice(2)
const at = args.indexOf('--collector')
const binary = at < 0 ? undefined : args.splice(at, 2)[1]
if (binary === undefined || args.length > 1) {
  process.stderr.write('usage: npm run golden -- --collector BINARY [FILTER]\n')
  process.exit(2)
}
const cases = readGoldenCases(join(import.meta.dirname, '../..')).filter(
  ({ name, isWritten }) => name.includes(args[0] ?? '') && !isWritten,
)
const version = await versionOf(binary)
const outcomes = (await runReal(binary, cases)).map(({ output: found, ...rest }, i): RealOutcome => {
  const golden = cases[i]!
  const ranked = found && golden.pipelines.length === 0 ? withRanks(golden, found) : found
  const plain = ranked && withoutMachine(golden, ranked)
  const output = golden.unordered.includes('requests') ? plain?.toSorted(byJson) : plain
  return output && golden.isGenerated ? { output: [digestOf(golden, output)] } : { ...rest, ...(output && { output }) }
})
for (const [i, golden] of cases.entries()) keep(golden, outcomes[i]!)
// One after the other: the backends of several cases have the same addresses.
for (const golden of readWireCases(join(import.meta.dirname, '../..')))
  if (golden.name.includes(args[0] ?? '')) keep(golden, await runWireReal(binary, golden))

function keep({ file, name }: { readonly file: string; readonly name: string }, outcome: Outcome): void {
  const before = readFileSync(file, 'utf8')
  const after = withOutcome(before, version, outcome)
  if (after !== before) writeFileSync(file, after)
  process.stdout.write(
    `${name}: ${outcome.error === undefined ? 'output' : 'error'}${after === before ? '' : ', changed'}\n`,
  )
}

/** So that a second answer is the same text. */
function byJson(a: object, b: object): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
}

interface Outcome {
  readonly output?: unknown
  readonly error?: string
}

function withOutcome(text: string, version: string, { output, error }: Outcome): string {
  const document = parseDocument(text)
  // What was asked stays as it was written, and in its lines.
  for (const key of ['collector', 'output', 'error']) document.delete(key)
  const asked = document.toString({ lineWidth: 0, flowCollectionPadding: false })
  const answers = parseDocument('{}')
  answers.contents = answers.createNode({ collector: version }) as typeof answers.contents
  if (output !== undefined)
    answers.set('output', foldNode(answers, Array.isArray(output) && output.length === 1 ? output[0] : output))
  else answers.set('error', error)
  return asked + answers.toString({ lineWidth: 0, flowCollectionPadding: false })
}

function foldNode(document: Document, value: unknown): Node {
  const node = document.createNode(value)
  fold(node)
  return node
}

function fold(node: unknown): void {
  if (!isCollection(node)) return
  if (JSON.stringify(node.toJSON()).length <= LINE_CHARS) node.flow = true
  else for (const item of node.items) fold(isScalar(item) ? item : ((item as { value?: unknown }).value ?? item))
}
