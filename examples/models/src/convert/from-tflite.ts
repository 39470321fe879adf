/**
 * Converts convolutional classifiers from TensorFlow Lite to ONNX, with float weights or with weights quantised to
 * uint8, which are turned back into floats. Source: tensorflow/lite/schema/schema.fbs; the numbers of fields and
 * operators below are its.
 */
import { addInput, addOutput, ohwiToOihw, padding, scalar, shape4, windowAttributes } from './convolution.ts'
import type { Extent, PixelRange } from './convolution.ts'
import { FlatBuffer } from './flatbuffer.ts'
import { OnnxGraph } from './onnx-graph.ts'

const Operator = { ADD: 0, AVERAGE_POOL: 1, CONCATENATION: 2, CONV: 3, DEPTHWISE_CONV: 4, MAX_POOL: 17 } as const
const Ending = { RESHAPE: 22, SOFTMAX: 25, SQUEEZE: 43 } as const
const Activation = { NONE: 0, RELU: 1, RELU6: 3 } as const
const TensorType = { FLOAT32: 0, INT32: 2, UINT8: 3 } as const
const SAME_PADDING = 0

/** A tensor of the source: `real = (stored - zero) * scale` when it is quantised. */
interface Tensor {
  readonly shape: readonly number[]
  readonly type: number
  readonly data: Uint8Array
  readonly scale: number
  readonly zero: number
}

/** An operator of the source with its first input and its output resolved. */
interface Step {
  readonly code: number
  readonly inputs: readonly number[]
  readonly output: number
  /** Position of the options table. */
  readonly options: number
}

/** What is read from the file before anything is converted. */
interface Source {
  readonly buffer: FlatBuffer
  readonly tensors: readonly Tensor[]
  readonly steps: readonly Step[]
  readonly input: number
  readonly output: number
}

/**
 * @param file The `.tflite` file.
 * @param range What the network expects its pixels to be.
 * @returns An ONNX model from raw RGB 0..255 `[N, S, S, 3]` to probabilities `[N, 1000]`.
 * @throws When the file is not TFLite or holds an operator, an activation or a type that is not known here.
 */
export function tfliteToOnnx(
  file: Uint8Array,
  options: { name: string; range: PixelRange; metadata?: Readonly<Record<string, string>> },
): Uint8Array {
  const source = readSource(file)
  const graph = new OnnxGraph(options.name)
  const values = new Map<number, string>([[source.input, addInput(graph, options.range)]])
  // The last layers only reshape and apply the softmax; what flows into them are the logits.
  let logits = ''
  for (const step of source.steps) {
    const first = valueOf(values, step.inputs[0])
    switch (step.code) {
      case Ending.RESHAPE:
      case Ending.SQUEEZE:
        logits = graph.node('Flatten', [first], { axis: 1 })
        values.set(step.output, logits)
        break
      case Ending.SOFTMAX:
        logits = first
        values.set(step.output, logits)
        break
      default:
        values.set(step.output, convertStep(source, graph, values, step))
    }
  }
  const [, side] = shape4(tensorAt(source, source.input).shape, 'tflite input')
  addOutput(graph, logits, tensorAt(source, source.output).shape.at(-1) ?? 0)
  return graph.serialize(['N', side, side, 3], ['N', 1000], options.metadata)
}

function convertStep(source: Source, graph: OnnxGraph, values: Map<number, string>, step: Step): string {
  const inputs = step.inputs.map((input) => values.get(input))
  const first = valueOf(values, step.inputs[0])
  switch (step.code) {
    case Operator.CONV:
    case Operator.DEPTHWISE_CONV:
      return convertConvolution(source, graph, first, step)
    case Operator.AVERAGE_POOL:
    case Operator.MAX_POOL:
      return convertPool(source, graph, first, step)
    case Operator.CONCATENATION:
      // The sources join along the channel, the last dimension of NHWC and the second of NCHW.
      return graph.node('Concat', inputs.map(present), { axis: 1 })
    case Operator.ADD:
      return activate(source, graph, graph.node('Add', inputs.map(present)), source.buffer.byte(step.options, 0), step)
    default:
      throw new Error(`tflite: operator ${step.code} is not supported`)
  }
}

/** Conv2DOptions: padding 0, stride_w 1, stride_h 2, activation 3. DepthwiseConv2DOptions: the same, activation 4. */
function convertConvolution(source: Source, graph: OnnxGraph, input: string, step: Step): string {
  const { buffer } = source
  const [, kernelTensor, biasTensor] = step.inputs
  const depthwise = step.code === Operator.DEPTHWISE_CONV
  const kernelShape = shape4(tensorAt(source, kernelTensor).shape, 'tflite kernel')
  const [outputs, height, width, last] = kernelShape
  const channels = depthwise ? last : outputs
  const window = {
    kernel: { height, width },
    stride: { height: buffer.integer(step.options, 2), width: buffer.integer(step.options, 1) },
  }
  const { pads } = padding(buffer.byte(step.options, 0) === SAME_PADDING, extentOf(source, step.inputs[0]), window)
  // A depthwise kernel is [1, H, W, C]; as [1, C, H, W] it has the same bytes as [C, 1, H, W].
  const kernel = ohwiToOihw(realValues(source, kernelTensor), kernelShape)
  const sum = graph.node(
    'Conv',
    [
      input,
      graph.floats(depthwise ? [channels, 1, height, width] : [outputs, last, height, width], kernel),
      graph.floats([channels], realValues(source, biasTensor)),
    ],
    { ...windowAttributes(window, pads), group: depthwise ? channels : 1 },
  )
  return activate(source, graph, sum, buffer.byte(step.options, depthwise ? 4 : 3), step)
}

/** Pool2DOptions: padding 0, stride_w 1, stride_h 2, filter_width 3, filter_height 4. */
function convertPool({ buffer, ...source }: Source, graph: OnnxGraph, input: string, step: Step): string {
  const window = {
    kernel: { height: buffer.integer(step.options, 4), width: buffer.integer(step.options, 3) },
    stride: { height: buffer.integer(step.options, 2), width: buffer.integer(step.options, 1) },
  }
  const same = buffer.byte(step.options, 0) === SAME_PADDING
  const { pads } = padding(same, extentOf({ buffer, ...source }, step.inputs[0]), window)
  const operator = step.code === Operator.AVERAGE_POOL ? 'AveragePool' : 'MaxPool'
  return graph.node(operator, [input], windowAttributes(window, pads))
}

/** Applies the activation, and for a quantised output also the range that its eight bits can hold. */
function activate(source: Source, graph: OnnxGraph, value: string, activation: number, step: Step): string {
  const known = Object.values(Activation).some((code) => code === activation)
  if (!known) throw new Error(`tflite: activation ${activation} is not supported`)
  const { type, scale, zero } = tensorAt(source, step.output)
  let low = activation === Activation.NONE ? -Infinity : 0
  let high = activation === Activation.RELU6 ? 6 : Infinity
  if (type === TensorType.UINT8) {
    low = Math.max(low, -zero * scale)
    high = Math.min(high, (255 - zero) * scale)
  }
  if (low === -Infinity && high === Infinity) return value
  if (high === Infinity) return graph.node('Clip', [value, scalar(graph, low)])
  return graph.node('Clip', [value, scalar(graph, low), scalar(graph, high)])
}

/** A constant tensor as floats. */
function realValues(source: Source, index: number | undefined): Float32Array {
  const { type, data, scale, zero } = tensorAt(source, index)
  // Copied because a tensor's bytes need not be aligned in the file.
  const aligned = data.slice().buffer
  switch (type) {
    case TensorType.FLOAT32:
      return new Float32Array(aligned)
    case TensorType.UINT8:
      return Float32Array.from(data, (stored) => (stored - zero) * scale)
    case TensorType.INT32:
      return Float32Array.from(new Int32Array(aligned), (stored) => stored * scale)
    default:
      throw new Error(`tflite: tensor type ${type} is not supported`)
  }
}

/**
 * Model: operator_codes 1, subgraphs 2, buffers 4. SubGraph: tensors 0, inputs 1, outputs 2, operators 3. Tensor:
 * shape 0, type 1, buffer 2, quantization 4 (scale 2, zero_point 3). Operator: opcode_index 0, inputs 1, outputs 2,
 * builtin_options 4. OperatorCode: deprecated_builtin_code 0, builtin_code 3; the larger one is the code.
 */
function readSource(file: Uint8Array): Source {
  const buffer = new FlatBuffer(file)
  if (file.length < 8 || buffer.identifier() !== 'TFL3') throw new Error('tflite: the file has no TFL3 identifier')
  const model = buffer.root()
  const graph = buffer.tables(model, 2)[0]
  if (graph === undefined) throw new Error('tflite: the file has no graph')
  const codes = buffer.tables(model, 1).map((code) => Math.max(buffer.byte(code, 0), buffer.integer(code, 3)))
  const buffers = buffer.tables(model, 4).map((entry) => buffer.bytes(entry, 0))
  const tensors = buffer.tables(graph, 0).map((tensor): Tensor => {
    const quantization = buffer.table(tensor, 4)
    return {
      shape: buffer.integers(tensor, 0),
      type: buffer.byte(tensor, 1),
      data: buffers[buffer.integer(tensor, 2)] ?? new Uint8Array(),
      scale: quantization === undefined ? 0 : (buffer.floats(quantization, 2)[0] ?? 0),
      zero: quantization === undefined ? 0 : (buffer.longs(quantization, 3)[0] ?? 0),
    }
  })
  const steps = buffer.tables(graph, 3).map((operator): Step => ({
    code: present(codes[buffer.integer(operator, 0)]),
    inputs: buffer.integers(operator, 1),
    output: present(buffer.integers(operator, 2)[0]),
    options: buffer.table(operator, 4) ?? 0,
  }))
  const [input] = buffer.integers(graph, 1)
  const [output] = buffer.integers(graph, 2)
  return { buffer, tensors, steps, input: present(input), output: present(output) }
}

function extentOf(source: Source, index: number | undefined): Extent {
  const [, height, width] = shape4(tensorAt(source, index).shape, 'tflite image')
  return { height, width }
}

function tensorAt(source: Source, index: number | undefined): Tensor {
  return present(source.tensors[present(index)])
}

function valueOf(values: ReadonlyMap<number, string>, index: number | undefined): string {
  return present(values.get(present(index)))
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('tflite: the file refers to something that it does not hold')
  return value
}
