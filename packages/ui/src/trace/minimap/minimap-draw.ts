import type { Palette } from '../../canvas/palette.ts'
import type { Size } from '../../canvas/use-size.ts'
import type { LoadedTrace } from '../loaded-trace.ts'

/** Most spans drawn; of more, every n-th is: nobody could see all of them, and a frame is short. */
const maxSpans = 20_000

/** Space above and below the lines, in pixels. */
const margin = 4

/** Draws every span as a line in its service's colour from top to bottom in the order of the rows, in one pass. Of very many, some of each stretch. */
export function drawMinimap(
  context: CanvasRenderingContext2D,
  size: Size,
  loaded: LoadedTrace,
  palette: Palette,
): void {
  const { trace, slots } = loaded
  const total = Math.max(trace.durationNs, 1000)
  const height = size.height - 2 * margin
  const stride = Math.max(1, Math.ceil(trace.size / maxSpans))
  const pitch = Math.min(6, height / trace.size)
  const line = Math.max(1, pitch - (pitch > 3 ? 2 : 0))
  const failed: number[] = []
  for (let row = 0; row < trace.size; row += stride) {
    const x = (trace.startNs[row]! / total) * size.width
    const width = Math.max(1, (trace.durationsNs[row]! / total) * size.width)
    context.fillStyle = palette.service[slots[trace.service[row]!]!]!
    context.fillRect(x, margin + row * pitch, width, line)
  }
  for (let row = 0; row < trace.size && failed.length < 5000; row++) if (trace.status[row] === 2) failed.push(row)
  context.fillStyle = palette.error
  for (const row of failed) {
    const end = ((trace.startNs[row]! + trace.durationsNs[row]!) / total) * size.width
    context.fillRect(Math.max(0, end - 3), margin + row * pitch, 3, Math.max(line, 2))
  }
}
