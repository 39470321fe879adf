/**
 * Converts a TensorFlow graph that was saved as a TensorFlow.js "graph model" to ONNX. Knows the operations of the
 * MobileNets. Source: the operations' pages in TensorFlow's raw_ops reference.
 */
import { addInput, addOutput, addRelu6, hwioToOihw, padding, shape4, windowAttributes } from './convolution.ts'
import type { Extent, PixelRange } from './convolution.ts'
import { OnnxGraph } from './onnx-graph.ts'
import { readWeights, weightOf } from './tfjs-weights.ts'
import type { ReadFile, Weight, WeightsManifest } from './tfjs-weights.ts'

/** An operation of the graph. Strings in attributes are base64. */
interface GraphNode {
  readonly name: string
  readonly op: string
  readonly input?: readonly string[]
  readonly attr?: {
    readonly strides?: { readonly list: { readonly i: readonly (string | number)[] } }
    readonly padding?: { readonly s: string }
    readonly fused_ops?: { readonly list: { readonly s?: readonly string[] } }
  }
}

/** A `model.json` in the graph format. */
export interface GraphModel extends WeightsManifest {
  readonly modelTopology: { readonly node: readonly GraphNode[] }
}

interface Value {
  readonly name: string
  readonly extent: Extent
  /** Channels, when the operation has set them. */
  readonly channels: number
}

/**
 * @param options.side Width and height of the images in pixels; a graph model leaves them open.
 * @returns An ONNX model from raw RGB 0..255 `[N, S, S, 3]` to probabilities `[N, 1000]`.
 * @throws When the graph holds an operation that is not known here, or a weight is missing.
 */
export function graphModelToOnnx(
  model: GraphModel,
  read: ReadFile,
  options: { name: string; side: number; range: PixelRange; metadata?: Readonly<Record<string, string>> },
): Uint8Array {
  const weights = readWeights(model, read)
  const graph = new OnnxGraph(options.name)
  const values = new Map<string, Value>()
  let last: Value | undefined
  for (const node of inOrder(model.modelTopology.node)) {
    if (node.op === 'Const') continue
    if (node.op === 'Placeholder') {
      const extent = { height: options.side, width: options.side }
      last = { name: addInput(graph, options.range), extent, channels: 3 }
    } else {
      const input = values.get(node.input?.[0] ?? '')
      if (!input) throw new Error(`tfjs: operation ${node.name} has no input`)
      last = convertNode(graph, node, input, weights)
    }
    values.set(node.name, last)
  }
  if (!last) throw new Error('tfjs: the graph is empty')
  addOutput(graph, last.name, last.channels)
  return graph.serialize(['N', options.side, options.side, 3], ['N', 1000], options.metadata)
}

function convertNode(graph: OnnxGraph, node: GraphNode, input: Value, weights: ReadonlyMap<string, Weight>): Value {
  const constant = (index: number): Weight => weightOf(weights, node.input?.[index])
  switch (node.op) {
    case 'Mul':
    case 'Sub':
      return { ...input, name: graph.node(node.op, [input.name, graph.floats([], constant(1).values)]) }
    case '_FusedConv2D':
    case 'DepthwiseConv2dNative':
      return convertConvolution(graph, node, input, constant)
    case 'BiasAdd': {
      const bias = constant(1)
      return { ...input, name: graph.node('Add', [input.name, graph.floats([1, input.channels, 1, 1], bias.values)]) }
    }
    case 'Relu6':
      return { ...input, name: addRelu6(graph, input.name) }
    case 'Mean':
      // The only mean in these networks is the one over all pixels before the classifier.
      return { ...input, name: graph.node('GlobalAveragePool', [input.name]), extent: { height: 1, width: 1 } }
    case 'Squeeze':
      return { ...input, name: graph.node('Flatten', [input.name], { axis: 1 }) }
    default:
      throw new Error(`tfjs: operation ${node.op} (${node.name}) is not supported`)
  }
}

function convertConvolution(
  graph: OnnxGraph,
  node: GraphNode,
  input: Value,
  constant: (index: number) => Weight,
): Value {
  const depthwise = node.op === 'DepthwiseConv2dNative'
  const kernel = constant(1)
  const [height, width, channels, multiplier] = shape4(kernel.shape, `tfjs: kernel of ${node.name}`)
  if (depthwise && multiplier !== 1) throw new Error(`tfjs: ${node.name} has the depth multiplier ${multiplier}`)
  const outputs = depthwise ? channels : multiplier
  const [, down = 1, across = 1] = (node.attr?.strides?.list.i ?? []).map(Number)
  const window = { kernel: { height, width }, stride: { height: down, width: across } }
  const { pads, output } = padding(decode(node.attr?.padding?.s ?? '') === 'SAME', input.extent, window)
  const kernelValue = depthwise
    ? graph.floats([outputs, 1, height, width], hwioToOihw(kernel.values, [height, width, 1, outputs]))
    : graph.floats([outputs, channels, height, width], hwioToOihw(kernel.values, [height, width, channels, outputs]))
  const fused = (node.attr?.fused_ops?.list.s ?? []).map(decode)
  const unknown = fused.find((operation) => operation !== 'BiasAdd' && operation !== 'Relu6')
  if (unknown !== undefined) throw new Error(`tfjs: ${node.name} fuses ${unknown}, which is not supported`)
  const bias = fused.includes('BiasAdd') ? [graph.floats([outputs], constant(2).values)] : []
  const sum = graph.node('Conv', [input.name, kernelValue, ...bias], {
    ...windowAttributes(window, pads),
    group: depthwise ? channels : 1,
  })
  const name = fused.includes('Relu6') ? addRelu6(graph, sum) : sum
  return { name, extent: output, channels: outputs }
}

/** The operations so that each comes after its inputs; the file keeps them in any order. */
function inOrder(nodes: readonly GraphNode[]): GraphNode[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const seen = new Set<string>()
  const ordered: GraphNode[] = []
  const visit = (node: GraphNode): void => {
    if (seen.has(node.name)) return
    seen.add(node.name)
    for (const input of node.input ?? []) {
      const source = byName.get(input)
      if (source) visit(source)
    }
    ordered.push(node)
  }
  nodes.forEach(visit)
  return ordered
}

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString()
