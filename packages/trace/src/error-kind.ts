/*
 * Which errors are the same one, only at another time, of another user, in another build. An error is known by the type of its exception, its message without what differs from
 * one to the next, and the frame of its stack where it was thrown, without the line.
 */

import { withoutVariables } from './error-message.ts'

/** What a span says of an error. */
export interface RecordedError {
  readonly type?: string | undefined
  readonly message?: string | undefined
  readonly stacktrace?: string | undefined
}

/** What errors that are the same have in common; '' where nothing is known. */
export interface ErrorKind {
  readonly type: string
  /** See {@link withoutVariables}: its codes are kept, what differs from one error to the next is not. */
  readonly message: string
  /** `function (file)`: the innermost of the program's own frames, or of all where none is. */
  readonly frame: string
}

/** Characters of either end of a stack trace that are looked at. */
const MAX_STACK = 16_384
const MAX_LINE = 500
/** Characters of what is told. */
const MAX_TEXT = 300

export function errorKindOf({ type = '', message = '', stacktrace = '' }: RecordedError): ErrorKind {
  return { type: type.slice(0, MAX_TEXT), message: withoutVariables(message), frame: topFrame(stacktrace) }
}

/** Packages of the JVM and of .NET that many programs use: the first names of what their frames say. */
const LIBRARIES = [
  String.raw`javax?|jdk|sun|kotlinx?|scala|akka|groovy|clojure|jakarta|oracle|reactor|okhttp3|retrofit2`,
  String.raw`org\.(?:springframework|hibernate|apache|postgresql|eclipse|jboss|mariadb|jooq)`,
  String.raw`com\.(?:sun|mysql|microsoft|zaxxer|fasterxml|google|mongodb|rabbitmq|ibm|netflix|amazonaws|datastax)`,
  String.raw`io\.(?:netty|grpc|vertx|micronaut|quarkus|lettuce|micrometer|opentelemetry|reactivex|undertow)`,
  String.raw`System|Microsoft|Npgsql|MySqlConnector|Dapper|Polly|Grpc|StackExchange|RabbitMQ|Confluent`,
].join('|')

/** Code that is not the program's own: of the runtime, or of a package that it uses. */
const FOREIGN = new RegExp(
  String.raw`node_modules|node:|site-packages|dist-packages|<frozen |/usr/lib/|/usr/local/go/|/pkg/mod/|\bat (?:async )?(?:java\.base/|(?:${LIBRARIES})\.)`,
)

function topFrame(stack: string): string {
  const isPython = /^\s*File "/m.test(stack.slice(0, MAX_STACK))
  // Python has the innermost call last.
  const part = isPython ? stack.slice(-MAX_STACK) : stack.slice(0, MAX_STACK)
  const lines = part.split('\n').map((line) => line.slice(0, MAX_LINE).trimEnd())
  let first = ''
  for (const index of isPython ? [...lines.keys()].reverse() : lines.keys()) {
    const frame = frameAt(lines, index)
    if (frame === undefined) continue
    if (!FOREIGN.test(lines[index]!)) return frame
    first ||= frame
  }
  return first
}

function frameAt(lines: readonly string[], index: number): string | undefined {
  const line = lines[index]!
  // Python: File "/app/pay.py", line 12, in charge
  const python = /^\s*File "([^"]+)", line \d+, in (.+)$/.exec(line)
  if (python) return frameText(python[2]!, python[1]!)
  // Go: main.charge(0xc0000) and in the next line a tab and /app/pay.go:12 +0x1d
  const go = /^\s+(\S+\.go):\d+/.exec(line)
  if (go) return frameText((lines[index - 1] ?? '').replace(/\([^()]*\)$/, ''), go[1]!)
  // Ruby: app/pay.rb:12:in `charge'
  const ruby = /^\s*(?:from )?(\S+\.rb):\d+:in [`'](.+)'$/.exec(line)
  if (ruby) return frameText(ruby[2]!, ruby[1]!)
  // PHP: #0 /app/pay.php(12): charge()
  const php = /^#\d+ (\S+)\(\d+\): (.+?)\(/.exec(line)
  if (php) return frameText(php[2]!, php[1]!)
  const at = /^\s*at (?:async )?(.+)$/.exec(line)?.[1]
  if (at === undefined) return undefined
  // .NET: at Shop.Pay.Charge(Int32 sum) in /app/Pay.cs:line 12
  const dotNet = /^([^()]+)\(.*\)(?: in (.+):line \d+)?$/.exec(at)
  if (dotNet?.[2] !== undefined) return frameText(dotNet[1]!, dotNet[2])
  // JavaScript: at charge (file:///app/pay.js:12:7), or without a function
  const js = /^(?:(.+) \()?([^()]+?):\d+(?::\d+)?\)?$/.exec(at)
  if (js) return frameText(js[1] ?? '', js[2]!)
  // Java: at com.shop.Pay.charge(Pay.java:12)
  const java = /^([^()\s]+)\(([^():]*)(?::\d+)?\)/.exec(at)
  if (java) return frameText(java[1]!.replace(/^[\w.]+\//, ''), java[2]!)
  return dotNet ? frameText(dotNet[1]!, '') : undefined
}

/** The file without its folders, which differ from one machine to another. */
function frameText(name: string, file: string): string {
  const base = file
    .split(/[/\\]/)
    .at(-1)!
    .replace(/[?#].*$/, '')
  const text = name.trim() === '' ? base : base === '' ? name.trim() : `${name.trim()} (${base})`
  return text.slice(0, MAX_TEXT)
}
