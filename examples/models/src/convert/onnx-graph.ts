/**
 * Writes ONNX models: just enough of the format for convolutional classifiers. A model is one protobuf message; its
 * fields are listed above each function as `name = number`. Source: onnx/onnx.proto3 of the ONNX project, IR version 8,
 * operator set 13.
 *
 * Serialized parts are kept as lists of chunks with a known size and are joined once at the end, because weights are
 * tens of megabytes and every level of nesting would otherwise copy them again.
 */

/** A serialized part of a message that has not been joined yet. */
interface Part {
  readonly size: number
  readonly chunks: readonly Uint8Array[]
}

/** A node's attribute: an integer, a list of integers, or a float written as `{ float }`. */
export type OnnxAttribute = number | readonly number[] | { readonly float: number }

/** A tensor's shape: a number is a fixed dimension, a string names one that is free, such as the batch. */
export type OnnxShape = readonly (number | string)[]

const IR_VERSION = 8
const OPERATOR_SET = 13
const FLOAT = 1
const INT64 = 7

/**
 * A graph under construction. Every method that adds something returns the name of the value that it produces, to be
 * used as an input of later nodes. The graph's own input is the value `input`.
 */
export class OnnxGraph {
  readonly #name: string
  readonly #nodes: Part[] = []
  readonly #initializers: Part[] = []
  #values = 0

  /** @param name The graph's name, shown by viewers. */
  constructor(name: string) {
    this.#name = name
  }

  /**
   * Adds a node with one output. NodeProto: input = 1, output = 2, name = 3, op_type = 4, attribute = 5.
   *
   * @param output The name of its output. Default: a fresh one.
   */
  node(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    output: string = this.#fresh('v'),
  ): string {
    this.#nodes.push(
      join([
        ...inputs.map((input) => text(1, input)),
        text(2, output),
        text(3, `${operator}_${output}`),
        text(4, operator),
        ...Object.entries(attributes).map(([name, value]) => message(5, attribute(name, value))),
      ]),
    )
    return output
  }

  /** Adds a constant float32 tensor in row-major order. An empty `shape` makes a scalar. */
  floats(shape: readonly number[], values: Float32Array): string {
    const expected = shape.reduce((product, dimension) => product * dimension, 1)
    if (values.length !== expected)
      throw new Error(`onnx: a tensor of shape [${shape.join(', ')}] has ${expected} values, got ${values.length}`)
    return this.#initializer(shape, FLOAT, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  }

  /** Adds a constant list of int64. */
  integers(values: readonly number[]): string {
    return this.#initializer([values.length], INT64, new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer))
  }

  /**
   * The finished model with the one input `input` and the one output `probs`, both float32. ModelProto: ir_version = 1,
   * producer_name = 2, graph = 7, opset_import = 8, metadata_props = 14. GraphProto: node = 1, name = 2,
   * initializer = 5, input = 11, output = 12.
   *
   * @param metadata Strings kept inside the file, such as where the weights are from.
   */
  serialize(input: OnnxShape, output: OnnxShape, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    const graph = join([
      ...this.#nodes.map((node) => message(1, node)),
      text(2, this.#name),
      ...this.#initializers.map((initializer) => message(5, initializer)),
      message(11, valueInfo('input', input)),
      message(12, valueInfo('probs', output)),
    ])
    const { chunks } = join([
      integer(1, IR_VERSION),
      text(2, 'spoor object-classification'),
      message(7, graph),
      message(8, integer(2, OPERATOR_SET)),
      ...Object.entries(metadata).map(([key, value]) => message(14, join([text(1, key), text(2, value)]))),
    ])
    return Buffer.concat(chunks)
  }

  /** TensorProto: dims = 1, data_type = 2, name = 8, raw_data = 9 (little endian). */
  #initializer(shape: readonly number[], type: number, raw: Uint8Array): string {
    const name = this.#fresh('w')
    this.#initializers.push(
      join([...shape.map((dimension) => integer(1, dimension)), integer(2, type), text(8, name), bytes(9, raw)]),
    )
    return name
  }

  #fresh(prefix: string): string {
    return `${prefix}${this.#values++}`
  }
}

/** AttributeProto: name = 1, f = 2, i = 3, ints = 8, type = 20 (FLOAT 1, INT 2, INTS 7). */
function attribute(name: string, value: OnnxAttribute): Part {
  if (typeof value === 'number') return join([text(1, name), integer(3, value), integer(20, 2)])
  if ('float' in value) return join([text(1, name), float(2, value.float), integer(20, 1)])
  return join([text(1, name), ...value.map((item) => integer(8, item)), integer(20, 7)])
}

/**
 * ValueInfoProto: name = 1, type = 2. TypeProto: tensor_type = 1. Tensor: elem_type = 1, shape = 2. TensorShapeProto:
 * dim = 1. Dimension: dim_value = 1, dim_param = 2.
 */
function valueInfo(name: string, shape: OnnxShape): Part {
  const dimensions = shape.map((dimension) =>
    message(1, typeof dimension === 'string' ? text(2, dimension) : integer(1, dimension)),
  )
  return join([text(1, name), message(2, message(1, join([integer(1, FLOAT), message(2, join(dimensions))])))])
}

function join(parts: readonly Part[]): Part {
  return { size: parts.reduce((sum, part) => sum + part.size, 0), chunks: parts.flatMap((part) => part.chunks) }
}

function varint(value: number): number[] {
  // Negative integers are ten bytes on the wire; no attribute written here is negative.
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`onnx: ${value} is not a non-negative integer`)
  const out: number[] = []
  let rest = value
  while (rest > 0x7f) {
    out.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  out.push(rest)
  return out
}

const part = (chunk: Uint8Array): Part => ({ size: chunk.length, chunks: [chunk] })
const integer = (field: number, value: number): Part => part(Uint8Array.from([...varint(field * 8), ...varint(value)]))
const header = (field: number, size: number): Part => part(Uint8Array.from([...varint(field * 8 + 2), ...varint(size)]))
const message = (field: number, body: Part): Part => join([header(field, body.size), body])
const bytes = (field: number, value: Uint8Array): Part => message(field, part(value))
const text = (field: number, value: string): Part => bytes(field, Buffer.from(value))

function float(field: number, value: number): Part {
  const out = Buffer.alloc(5)
  out[0] = field * 8 + 5
  out.writeFloatLE(value, 1)
  return part(out)
}
