/**
 * Converts a Keras functional model that was saved as a TensorFlow.js "layers model" to ONNX. Knows the layers of
 * residual networks such as ResNet-50. Source: the Keras layer reference.
 */
import { addInput, addOutput, hwioToOihw, padding, shape4, windowAttributes } from './convolution.ts'
import type { Extent, PixelRange } from './convolution.ts'
import { OnnxGraph } from './onnx-graph.ts'
import { readWeights, weightOf } from './tfjs-weights.ts'
import type { ReadFile, Weight, WeightsManifest } from './tfjs-weights.ts'

/** A layer's settings; which are there depends on its class. */
interface LayerConfig {
  readonly name: string
  readonly activation?: string
  readonly batch_input_shape?: readonly [null, number, number, number]
  readonly padding?: 'same' | 'valid' | readonly [readonly [number, number], readonly [number, number]]
  readonly strides?: readonly [number, number]
  readonly pool_size?: readonly [number, number]
  readonly use_bias?: boolean
  readonly epsilon?: number
}

interface Layer {
  readonly class_name: string
  readonly config: LayerConfig
  /** One entry a use of the layer; each input is `[layer name, ...]`. */
  readonly inbound_nodes: readonly (readonly (readonly [string, ...unknown[]])[])[]
}

/** A `model.json` in the layers format. */
export interface LayersModel extends WeightsManifest {
  readonly modelTopology: { readonly model_config: { readonly config: { name: string; layers: readonly Layer[] } } }
}

/** What a layer hands to the next ones. */
interface Value {
  readonly name: string
  readonly extent: Extent
}

/**
 * @param read Reads the weight files that the model names.
 * @returns An ONNX model from raw RGB 0..255 `[N, S, S, 3]` to probabilities `[N, 1000]`.
 * @throws When the model holds a layer or an activation that is not known here, or a weight is missing.
 */
export function kerasToOnnx(
  model: LayersModel,
  read: ReadFile,
  options: { range: PixelRange; metadata?: Readonly<Record<string, string>> },
): Uint8Array {
  const { name, layers } = model.modelTopology.model_config.config
  const weights = readWeights(model, read)
  const graph = new OnnxGraph(name)
  const values = new Map<string, Value>()
  let side = 0
  let last = ''
  for (const layer of layers) {
    if (layer.class_name === 'InputLayer') {
      side = layer.config.batch_input_shape?.[1] ?? 0
      const extent = { height: side, width: side }
      values.set(layer.config.name, { name: addInput(graph, options.range), extent })
      continue
    }
    const inputs = (layer.inbound_nodes[0] ?? []).map(([from]) => {
      const value = values.get(from)
      if (!value) throw new Error(`keras: layer ${layer.config.name} needs ${from}, which does not come before it`)
      return value
    })
    const value = convertLayer(graph, layer, inputs, weights)
    values.set(layer.config.name, value)
    last = value.name
  }
  addOutput(graph, last, 1000)
  return graph.serialize(['N', side, side, 3], ['N', 1000], options.metadata)
}

function convertLayer(
  graph: OnnxGraph,
  { class_name: kind, config }: Layer,
  inputs: readonly Value[],
  weights: ReadonlyMap<string, Weight>,
): Value {
  const [input] = inputs
  if (!input) throw new Error(`keras: layer ${config.name} has no input`)
  const weight = (name: string): Weight => weightOf(weights, `${config.name}/${name}`)
  const constant = (name: string): string => graph.floats(weight(name).shape, weight(name).values)
  switch (kind) {
    case 'ZeroPadding2D':
      return addZeroPadding(graph, config, input)
    case 'Conv2D': {
      const kernel = weight('kernel')
      const [height, width, channels, outputs] = shape4(kernel.shape, `keras: kernel of ${config.name}`)
      const window = { kernel: { height, width }, stride: strideOf(config) }
      const { pads, output } = padding(config.padding === 'same', input.extent, window)
      const weightValue = graph.floats(
        [outputs, channels, height, width],
        hwioToOihw(kernel.values, [height, width, channels, outputs]),
      )
      const bias = config.use_bias === false ? [] : [constant('bias')]
      const sum = graph.node('Conv', [input.name, weightValue, ...bias], windowAttributes(window, pads))
      return { name: activate(graph, config, sum), extent: output }
    }
    case 'BatchNormalization': {
      const constants = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map(constant)
      const epsilon = { float: config.epsilon ?? 1e-3 }
      return { ...input, name: graph.node('BatchNormalization', [input.name, ...constants], { epsilon }) }
    }
    case 'Activation':
      return { ...input, name: activate(graph, config, input.name) }
    case 'Add':
      return {
        ...input,
        name: graph.node(
          'Add',
          inputs.map(({ name }) => name),
        ),
      }
    case 'MaxPooling2D': {
      const [height, width] = config.pool_size ?? [2, 2]
      const window = { kernel: { height, width }, stride: strideOf(config) }
      const { pads, output } = padding(config.padding === 'same', input.extent, window)
      return { name: graph.node('MaxPool', [input.name], windowAttributes(window, pads)), extent: output }
    }
    case 'GlobalAveragePooling2D': {
      const pooled = graph.node('GlobalAveragePool', [input.name])
      return { name: graph.node('Flatten', [pooled], { axis: 1 }), extent: { height: 1, width: 1 } }
    }
    case 'Dense': {
      const sum = graph.node('Gemm', [input.name, constant('kernel'), constant('bias')])
      return { ...input, name: activate(graph, config, sum) }
    }
    default:
      throw new Error(`keras: layer class ${kind} is not supported`)
  }
}

function addZeroPadding(graph: OnnxGraph, config: LayerConfig, { name, extent }: Value): Value {
  if (!Array.isArray(config.padding)) throw new Error(`keras: layer ${config.name} has no padding`)
  const [[top, bottom], [left, right]] = config.padding as readonly [
    readonly [number, number],
    readonly [number, number],
  ]
  return {
    name: graph.node('Pad', [name, graph.integers([0, 0, top, left, 0, 0, bottom, right])]),
    extent: { height: extent.height + top + bottom, width: extent.width + left + right },
  }
}

/** The softmax is left to the model's end, which also drops a background class. */
function activate(graph: OnnxGraph, { name, activation = 'linear' }: LayerConfig, value: string): string {
  if (activation === 'relu') return graph.node('Relu', [value])
  if (activation === 'linear' || activation === 'softmax') return value
  throw new Error(`keras: layer ${name} has the activation ${activation}, which is not supported`)
}

function strideOf({ strides = [1, 1] }: LayerConfig): Extent {
  const [height, width] = strides
  return { height, width }
}
