import { constants, zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { version } from '../../version.ts'
import type { OutputFile } from '../output-file.ts'
import type { SpanSink } from '../span-sink.ts'
import type { AttributeColumn } from './attribute-columns.ts'
import { RowGroup } from './row-group.ts'
import { schemaOf } from './schema.ts'

/** Rows and characters after which a row group is written: what is in memory at a time. */
const GROUP_ROWS = 1 << 15
const GROUP_CHARACTERS = 32 << 20

/** Columns in which nearly every value is another one: a dictionary would only cost time. */
const PLAIN = new Set(['trace_id', 'span_id', 'parent_span_id', 'start', 'duration_ns'])
/** Columns of which each row group says its least and greatest value, by which readers pass row groups by. */
const BOUNDED = new Set(['start', 'duration_ns', 'service', 'name', 'kind', 'status'])

/** One Parquet file of all spans, zstd in row groups. See docs/parquet.md for the columns. */
export function parquetSink(output: OutputFile, attributes: readonly AttributeColumn[]): SpanSink {
  const group = new RowGroup(attributes)
  const writer = new ByteWriter()
  const flush = async (): Promise<void> => {
    const bytes = writer.getBytes().slice()
    writer.index = 0
    await output.write(bytes)
  }
  const parquet = new ParquetWriter({
    writer: Object.assign(writer, { flush, finish: flush }),
    schema: schemaOf(attributes),
    codec: 'ZSTD',
    compressors: { ZSTD: compress },
    createdBy: `spoor ${version}`,
  })
  const write = async (): Promise<void> => {
    const rowGroupSize = group.rows
    const columnData = group.take().map(({ name, data }) => ({
      name,
      data,
      statistics: BOUNDED.has(name),
      ...(PLAIN.has(name) && { encoding: 'PLAIN' as const }),
    }))
    await parquet.write({ columnData, rowGroupSize })
  }
  return {
    async add(bytes) {
      group.add(bytes)
      if (group.rows >= GROUP_ROWS || group.characters >= GROUP_CHARACTERS) await write()
    },
    async finish() {
      if (group.rows > 0) await write()
      await parquet.finish()
    },
  }
}

function compress(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
}
