import { assert, integer, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addInput, addOutput, hwioToOihw, ohwiToOihw, padding } from './convolution.ts'
import type { Shape4 } from './convolution.ts'
import { OnnxGraph } from './onnx-graph.ts'
import { runModel, softmax } from '../testkit/onnx.ts'

const side = integer({ min: 1, max: 4 })

describe('the order of weights', () => {
  it('goes from HWIO to OIHW', () => {
    assert(
      property(side, side, side, side, (height, width, inputs, outputs) => {
        const shape: Shape4 = [height, width, inputs, outputs]
        const weights = Float32Array.from({ length: height * width * inputs * outputs }, (_, index) => index)
        const out = hwioToOihw(weights, shape)
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++)
            for (let i = 0; i < inputs; i++)
              for (let o = 0; o < outputs; o++)
                expect(out[((o * inputs + i) * height + y) * width + x]).toBe(
                  weights[((y * width + x) * inputs + i) * outputs + o],
                )
      }),
      { numRuns: 50 },
    )
  })

  it('goes from OHWI to OIHW', () => {
    assert(
      property(side, side, side, side, (outputs, height, width, inputs) => {
        const shape: Shape4 = [outputs, height, width, inputs]
        const weights = Float32Array.from({ length: height * width * inputs * outputs }, (_, index) => index)
        const out = ohwiToOihw(weights, shape)
        for (let o = 0; o < outputs; o++)
          for (let y = 0; y < height; y++)
            for (let x = 0; x < width; x++)
              for (let i = 0; i < inputs; i++)
                expect(out[((o * inputs + i) * height + y) * width + x]).toBe(
                  weights[((o * height + y) * width + x) * inputs + i],
                )
      }),
      { numRuns: 50 },
    )
  })
})

describe('padding', () => {
  const kernel = { height: 3, width: 3 }
  const stride = { height: 2, width: 2 }

  it('puts the odd pixel of "same" after the image', () => {
    expect(padding(true, { height: 224, width: 224 }, { kernel, stride })).toEqual({
      pads: [0, 0, 1, 1],
      output: { height: 112, width: 112 },
    })
    expect(padding(true, { height: 7, width: 8 }, { kernel, stride })).toEqual({
      pads: [1, 0, 1, 1],
      output: { height: 4, width: 4 },
    })
  })

  it('adds nothing for "valid"', () => {
    expect(padding(false, { height: 299, width: 299 }, { kernel, stride })).toEqual({
      pads: [0, 0, 0, 0],
      output: { height: 149, width: 149 },
    })
  })
})

describe('the ends of a classifier', () => {
  /** A graph whose logits are the means of the input's three channels, in some order, and `classes - 3` zeros. */
  async function meansThrough(
    range: Parameters<typeof addInput>[1],
    classes: number,
    pixel: [number, number, number],
  ): Promise<Float32Array> {
    const graph = new OnnxGraph('ends')
    const mean = graph.node('Flatten', [graph.node('GlobalAveragePool', [addInput(graph, range)])], { axis: 1 })
    const spread = new Float32Array(3 * classes)
    const first = classes - 1000
    for (const channel of [0, 1, 2]) spread[channel * classes + first + channel] = 1
    const logits = graph.node('Gemm', [mean, graph.floats([3, classes], spread)])
    addOutput(graph, logits, classes)
    const model = graph.serialize(['N', 2, 2, 3], ['N', 1000])
    return runModel(model, 2, Float32Array.from([pixel, pixel, pixel, pixel].flat()))
  }
  const expected = (means: number[]): number[] => softmax([...means, ...Array.from({ length: 997 }, () => 0)])

  it.each([
    ['minus_one_to_one', [255, 127.5, 0], [1, 0, -1]],
    ['zero_to_one', [255, 51, 0], [1, 0.2, 0]],
    ['bgr_less_mean', [124.68, 118.779, 106.939], [3, 2, 1]],
  ] as const)('brings pixels to the range %s', async (range, pixel, means) => {
    const probabilities = await meansThrough(range, 1000, [...pixel])
    const wanted = expected([...means])
    for (const index of [0, 1, 2, 3, 999]) expect(probabilities[index]).toBeCloseTo(wanted[index] ?? 0, 6)
  })

  it('drops the background class before the softmax', async () => {
    const probabilities = await meansThrough('zero_to_one', 1001, [255, 0, 0])
    expect(probabilities).toHaveLength(1000)
    expect(probabilities[0]).toBeCloseTo(expected([1, 0, 0])[0] ?? 0, 6)
    expect(probabilities.reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 4)
  })

  it('refuses other numbers of classes', () => {
    expect(() => addOutput(new OnnxGraph('x'), 'logits', 21)).toThrow('expected 1000 or 1001 classes, got 21')
  })
})
