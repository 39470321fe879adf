/** What is wrong with a body that cannot be read: what it seems to be, and what its headers say of it. */
import type { BodyForm, CompressedForm } from '../component/index.ts'
import { explainPath } from './explain-path.ts'
import type { Explanation, Happening } from './happening.ts'
import { env, sentence, shown } from './line.ts'

const HTTP_PROTOBUF = env('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf')
const UNCOMPRESSED = env('OTEL_EXPORTER_OTLP_COMPRESSION', 'none')
const GZIP = env('OTEL_EXPORTER_OTLP_COMPRESSION', 'gzip')

type Words = readonly [code: string, what: string, mend: string, ...lines: (string | Explanation['lines'][number])[]]

/** As `invalid_data` is told. */
export function explainBody(happening: Happening): Explanation {
  const { facts, detail } = happening
  if (facts.body === 'zipkin') return explainPath({ ...happening, facts: { ...facts, path: '/api/v2/spans' } })
  const [code, what, mend, ...lines] =
    ofEncoding(detail) ??
    ofForm(facts.body, facts.contentEncoding) ??
    ofText(detail) ??
    ofField(detail) ??
    asTold(detail)
  return {
    code,
    severity: 'error',
    what,
    mend,
    lines: lines.map((line) => (typeof line === 'string' ? { kind: 'code', text: line } : line)),
  }
}

function asTold(detail: string): Words {
  return [
    'invalid_data',
    sentence(detail),
    'The words name the field and its place; an OpenTelemetry SDK writes it right.',
    HTTP_PROTOBUF,
  ]
}

/** As `decompress` says it. */
const BROKEN = /^the body is not valid (\w+): (.*?)(?:; it begins as (\w+))?$/s

/** A header `content-encoding` that the body does not keep to. */
function ofEncoding(detail: string): Words | undefined {
  if (detail.startsWith('unsupported Content-Encoding'))
    return [
      'unsupported_encoding',
      sentence(detail),
      'Let the sender compress with gzip, or not at all.',
      GZIP,
      UNCOMPRESSED,
    ]
  const [, coding, problem = '', form] = BROKEN.exec(detail) ?? []
  if (coding === undefined) return undefined
  if (form === coding)
    return /end of file|ends in the middle/.test(problem)
      ? [
          'cut_body',
          `A body of ${coding} ends in the middle: ${sentence(problem)}`,
          'Send all of it: end the stream that compresses before the body is sent; content-length counts compressed bytes.',
          'const body = zlib.gzipSync(message)',
          UNCOMPRESSED,
        ]
      : [
          'broken_compression',
          `A body of ${coding} is damaged: ${sentence(problem)}`,
          'It was changed on the way, as bytes are that somebody takes for text: hand them on as bytes.',
          'const body = zlib.gzipSync(message) // no toString()',
          UNCOMPRESSED,
        ]
  if (isCompressed(form))
    return [
      'other_encoding',
      `The header content-encoding says ${coding}, and the body is ${form}.`,
      'Say in the header what it is.',
      `content-encoding: ${form}`,
      GZIP,
    ]
  if (coding === 'deflate' && form === undefined)
    return [
      'raw_deflate',
      `A body of deflate has no header of zlib: ${sentence(problem)}`,
      'In HTTP, deflate is with the header of zlib.',
      'const body = zlib.deflateSync(message) // not deflateRawSync',
      GZIP,
    ]
  return [
    'not_compressed',
    `The header content-encoding says ${coding}, and the body is not compressed with it${form === undefined ? '' : `: it is ${NAMES[form as BodyForm] ?? form}`}.`,
    'Compress the body, or leave the header out: who unpacks a body on the way has to take the header away, too.',
    'const body = zlib.gzipSync(message)',
    UNCOMPRESSED,
  ]
}

const NAMES: Partial<Record<BodyForm, string>> = { json: 'JSON', utf16: 'text in UTF-16', html: 'HTML' }

function isCompressed(form: string | undefined): form is CompressedForm {
  return form === 'gzip' || form === 'zstd' || form === 'deflate'
}

/** A body that is something else than its content type says. */
function ofForm(form: BodyForm | undefined, contentEncoding: string | undefined): Words | undefined {
  if (isCompressed(form))
    return contentEncoding === undefined
      ? [
          'encoding_unsaid',
          `The body is compressed with ${form}, and no header says so.`,
          'Say it in the header content-encoding, which a proxy may have taken away, or do not compress.',
          `content-encoding: ${form}`,
          UNCOMPRESSED,
        ]
      : [
          'compressed_twice',
          `The body is compressed twice: in ${shown(contentEncoding)} there is ${form}.`,
          'Compress once: whoever sends it does so by itself, and gets the message as it is.',
          UNCOMPRESSED,
        ]
  return form === undefined ? undefined : FORMS[form]
}

const REQUEST = '{"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"spans":[]}]}]}'

const FORMS: Partial<Record<BodyForm, Words>> = {
  json: [
    'json_as_protobuf',
    'JSON came with the content type of protobuf.',
    'Say what it is in the header content-type.',
    'content-type: application/json',
    HTTP_PROTOBUF,
  ],
  protobuf: [
    'protobuf_as_json',
    'Protobuf came with the content type of JSON.',
    'Say what it is in the header content-type.',
    'content-type: application/x-protobuf',
    HTTP_PROTOBUF,
  ],
  list: [
    'list_of_spans',
    'A list in JSON came, where OTLP has one object.',
    'Put spans into what OTLP has around them; an OpenTelemetry SDK does.',
    REQUEST,
    HTTP_PROTOBUF,
  ],
  object: [
    'object_as_text',
    'The body is the text “[object Object]”: an object was sent without being made JSON.',
    'Make JSON of it.',
    'body: JSON.stringify(request)',
  ],
  grpc: [
    'grpc_frame',
    'The body begins with the five bytes that gRPC has before a message, and came by plain HTTP.',
    'Send it by gRPC, over HTTP/2 with content-type application/grpc; or leave those bytes out.',
    env('OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'),
    'body: frame.subarray(5)',
  ],
  base64: [
    'base64_body',
    'The body is base64, and has to be the bytes themselves.',
    'Decode it before it is sent; a function behind a gateway has to say that its body is base64.',
    "Buffer.from(body, 'base64')",
    HTTP_PROTOBUF,
  ],
  html: [
    'html_body',
    'The body is HTML or XML, and no message of OTLP.',
    'Look at what is sent: a page of an error, or of a proxy, may have taken the place of the spans.',
    HTTP_PROTOBUF,
  ],
  utf16: [
    'not_utf8',
    'The body is text in UTF-16; JSON is sent in UTF-8.',
    'Encode it as UTF-8.',
    "Buffer.from(text, 'utf8')",
  ],
  empty: [
    'empty_body',
    'The body is empty, and says it is JSON.',
    'Send the message as the body of the request; a redirect may have lost it.',
    REQUEST,
  ],
  text: [
    'text_body',
    'The body is text, and neither JSON nor protobuf.',
    'Send a message of OTLP, as an OpenTelemetry SDK does.',
    REQUEST,
    HTTP_PROTOBUF,
  ],
}

/** Text that is not JSON, in the words of the parser, and messages that end too early. */
function ofText(detail: string): Words | undefined {
  if (/after JSON at position/.test(detail))
    return [
      'several_json',
      `There is more behind the JSON of a body, as in JSON lines: ${sentence(withoutPrefix(detail))}`,
      'Send each message in a request of its own, or put their resourceSpans into one; files of JSON lines are read by spoor import.',
      "for (const line of text.split('\\n').filter(Boolean)) await post(line)",
      { kind: 'shell', text: 'spoor import traces.jsonl' },
    ]
  if (/Unexpected end of JSON|Unterminated|^not a valid OTLP message \(truncated\)/.test(detail))
    return [
      'cut_message',
      `A message ends in the middle: ${sentence(withoutPrefix(detail))}`,
      'Send all of it: content-length counts bytes and not characters, and a buffer has to be cut to what was written.',
      "'content-length': Buffer.byteLength(body)",
      HTTP_PROTOBUF,
    ]
  if (/request: expected an object, got "/.test(detail))
    return [
      'json_twice',
      'The body is a text in JSON that holds JSON: it was made JSON twice.',
      'Make JSON of it once: whoever sends an object does so by itself.',
      'body: JSON.stringify(request) // and not of a text',
    ]
  if (detail.includes('not JSON:'))
    return [
      'not_json',
      `The body is no JSON: ${sentence(withoutPrefix(detail))}`,
      'Let a library write it; JSON has double quotes, no comma at the end of a list, and no comments.',
      'body: JSON.stringify(request)',
    ]
  return undefined
}

function withoutPrefix(detail: string): string {
  return detail.replace(/^not a valid OTLP message \(\w+\): (?:not JSON: )?/, '')
}

/** What people write into fields of OTLP/JSON; the end of a field's path, and how it is written. */
const FIELDS: readonly (readonly [RegExp, string, string])[] = [
  [/attributes$/, 'Attributes are a list of keys and values.', '[{"key":"a","value":{"stringValue":"x"}}]'],
  [/attributes\[\d+\]\.value$/, 'A value says its type.', '{"stringValue":"x"}, {"intValue":"1"}, {"boolValue":true}'],
  [
    /TimeUnixNano$|timeUnixNano$/,
    'Times count nanoseconds since 1970, as a whole number in a text.',
    'String(BigInt(Date.now()) * 1_000_000n)',
  ],
  [/\.kind$/, 'The kind is a number: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.', '"kind": 2'],
  [/\.status$/, 'The status is an object: 1 is OK, 2 an error.', '"status": {"code": 2, "message": "…"}'],
]

function ofField(detail: string): Words | undefined {
  const path = /^not a valid OTLP message \(json\): (\S+): expected /.exec(detail)?.[1]
  const [, mend, line] = FIELDS.find(([pattern]) => path !== undefined && pattern.test(path)) ?? []
  return mend === undefined ? undefined : ['wrong_field', sentence(detail), mend, line!, HTTP_PROTOBUF]
}
