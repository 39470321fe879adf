/**
 * What the converters share: the order of weights, padding, and the two ends of a classifier. TensorFlow's formats keep
 * images as `NHWC` (batch, height, width, channel), ONNX as `NCHW`; a kernel's dimensions are `O` output channels,
 * `I` input channels, `H`, `W`.
 */
import type { OnnxGraph } from './onnx-graph.ts'

/** Height and width of a layer's output, in pixels. */
export interface Extent {
  readonly height: number
  readonly width: number
}

/** A convolution's or a pooling's window and step, in pixels. */
export interface Window {
  readonly kernel: Extent
  readonly stride: Extent
}

/** The four dimensions of a kernel or an image. */
export type Shape4 = readonly [number, number, number, number]

/**
 * Names four dimensions.
 *
 * @throws When there are not exactly four; `what` names the tensor.
 */
export function shape4(shape: readonly number[], what: string): Shape4 {
  const [a, b, c, d] = shape
  if (shape.length !== 4 || a === undefined || b === undefined || c === undefined || d === undefined)
    throw new Error(`${what}: expected 4 dimensions, got [${shape.join(', ')}]`)
  return [a, b, c, d]
}

/** Reorders a kernel from `HWIO` (TensorFlow) to `OIHW` (ONNX). */
export function hwioToOihw(weights: Float32Array, [height, width, inputs, outputs]: Shape4): Float32Array {
  const pixels = height * width
  const out = new Float32Array(weights.length)
  let from = 0
  for (let pixel = 0; pixel < pixels; pixel++)
    for (let input = 0; input < inputs; input++)
      for (let output = 0; output < outputs; output++)
        out[(output * inputs + input) * pixels + pixel] = weights[from++] ?? 0
  return out
}

/** Reorders a kernel from `OHWI` (TFLite) to `OIHW` (ONNX). */
export function ohwiToOihw(weights: Float32Array, [outputs, height, width, inputs]: Shape4): Float32Array {
  const pixels = height * width
  const out = new Float32Array(weights.length)
  let from = 0
  for (let output = 0; output < outputs; output++)
    for (let pixel = 0; pixel < pixels; pixel++)
      for (let input = 0; input < inputs; input++)
        out[(output * inputs + input) * pixels + pixel] = weights[from++] ?? 0
  return out
}

/**
 * TensorFlow's padding. `same` keeps `ceil(size / stride)` pixels and puts the odd pixel of padding after the image,
 * `valid` pads nothing.
 *
 * @returns ONNX's `pads` (top, left, bottom, right) and the size of the output.
 */
export function padding(same: boolean, input: Extent, { kernel, stride }: Window): { pads: number[]; output: Extent } {
  if (!same) {
    const output = {
      height: Math.floor((input.height - kernel.height) / stride.height) + 1,
      width: Math.floor((input.width - kernel.width) / stride.width) + 1,
    }
    return { pads: [0, 0, 0, 0], output }
  }
  const output = { height: Math.ceil(input.height / stride.height), width: Math.ceil(input.width / stride.width) }
  const vertical = Math.max(0, (output.height - 1) * stride.height + kernel.height - input.height)
  const horizontal = Math.max(0, (output.width - 1) * stride.width + kernel.width - input.width)
  const top = Math.floor(vertical / 2)
  const left = Math.floor(horizontal / 2)
  return { pads: [top, left, vertical - top, horizontal - left], output }
}

/** `kernel_shape`, `strides` and `pads` as ONNX's Conv and pooling nodes take them. */
export function windowAttributes({ kernel, stride }: Window, pads: readonly number[]) {
  return { kernel_shape: [kernel.height, kernel.width], strides: [stride.height, stride.width], pads }
}

/** The range of pixel values that a network was trained on: -1..1, 0..1, or BGR less the mean colour of ImageNet. */
export type PixelRange = keyof typeof PIXEL_RANGES

const PIXEL_RANGES = {
  minus_one_to_one: (graph: OnnxGraph, image: string) =>
    graph.node('Sub', [graph.node('Mul', [image, scalar(graph, 1 / 127.5)]), scalar(graph, 1)]),
  zero_to_one: (graph: OnnxGraph, image: string) => graph.node('Mul', [image, scalar(graph, 1 / 255)]),
  bgr_less_mean: (graph: OnnxGraph, image: string) => {
    const bgr = graph.node('Gather', [image, graph.integers([2, 1, 0])], { axis: 1 })
    return graph.node('Sub', [bgr, graph.floats([1, 3, 1, 1], Float32Array.of(103.939, 116.779, 123.68))])
  },
}

/** The network's input: takes raw RGB 0..255 as `NHWC` to `NCHW` in the range that the network expects. */
export function addInput(graph: OnnxGraph, range: PixelRange): string {
  return PIXEL_RANGES[range](graph, graph.node('Transpose', ['input'], { perm: [0, 3, 1, 2] }))
}

/**
 * The network's output: from logits `[N, classes]` to the probabilities `probs` `[N, 1000]`. Networks with 1001 classes
 * have ImageNet's unused "background" first; it is dropped before the softmax, so that the rest sums to 1.
 */
export function addOutput(graph: OnnxGraph, logits: string, classes: number): void {
  if (classes !== 1000 && classes !== 1001) throw new Error(`expected 1000 or 1001 classes, got ${classes}`)
  const kept = classes === 1001 ? dropFirst(graph, logits, classes) : logits
  graph.node('Softmax', [kept], { axis: 1 }, 'probs')
}

/** `[N, classes]` without its first class. */
function dropFirst(graph: OnnxGraph, logits: string, classes: number): string {
  const [start, end, axis] = [graph.integers([1]), graph.integers([classes]), graph.integers([1])]
  return graph.node('Slice', [logits, start, end, axis])
}

/** A constant single number. */
export function scalar(graph: OnnxGraph, value: number): string {
  return graph.floats([], Float32Array.of(value))
}

/** The activation `min(max(x, 0), 6)` of the MobileNets. */
export function addRelu6(graph: OnnxGraph, value: string): string {
  return graph.node('Clip', [value, scalar(graph, 0), scalar(graph, 6)])
}
