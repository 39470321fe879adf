import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeColourModel } from '@spoor/example-models/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openModelSession } from './session.ts'
import type { ModelSession } from './session.ts'

let folder: string
let session: ModelSession
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'session-'))
  session = await openModelSession(await writeColourModel(join(folder, 'colours.onnx')))
})
afterAll(async () => {
  await session.close()
  await rm(folder, { recursive: true })
})

/** An image of one colour: 0 is red, 1 green, 2 blue. */
function image(colour: number): Uint8Array {
  return Uint8Array.from({ length: session.side * session.side * 3 }, (_, index) => (index % 3 === colour ? 255 : 0))
}

it('tells images apart that come at once, although there is one place for them', async () => {
  const colours = [0, 1, 2, 1, 0, 2, 2, 1]
  const outputs = await Promise.all(colours.map((colour) => session.run(image(colour))))
  expect(outputs.map(({ probabilities }) => probabilities.indexOf(Math.max(...probabilities)))).toEqual(colours)
})

it.each([-1, 1])('goes on after an image of another size: %i byte more', async (more) => {
  const odd = session.run(new Uint8Array(session.side ** 2 * 3 + more))
  await expect(odd).rejects.toThrow(`an image of ${192 + more} bytes, for a model that takes 192`)
  const { probabilities } = await session.run(image(2))
  expect(probabilities.indexOf(Math.max(...probabilities))).toBe(2)
})
