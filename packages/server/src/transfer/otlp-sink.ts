import { tracesToJson } from '@spoor/otlp'
import type { OutputFile } from './output-file.ts'
import type { SpanSink } from './span-sink.ts'

/** One JSON object a line, each an OTLP/JSON `TracesData`: as the collector's file exporter writes, and its `otlpjsonfile` receiver reads. */
export function otlpJsonSink(output: OutputFile): SpanSink {
  return {
    add: (bytes) => output.write(`${tracesToJson(bytes)}\n`),
    finish: async () => {},
  }
}

/**
 * Serialized `TracesData` messages, each after its length as four bytes, the highest first: as the collector's file exporter writes with
 * `format: proto`. The spans keep their bytes.
 */
export function otlpSink(output: OutputFile): SpanSink {
  return {
    async add(bytes) {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      await output.write(length)
      await output.write(bytes)
    },
    finish: async () => {},
  }
}
