import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'

/** Milliseconds of CPU that a browser's renderers have used. */
export interface RendererCpu {
  /** All threads, those that have ended too. */
  readonly all: number
  /** The threads of documents: scripts, style, layout and paint. */
  readonly main: number
}

/** What the renderers of one browser take of the machine, as Linux counts it. */
export interface Renderers {
  cpu(): Promise<RendererCpu>
  /** Memory of their own, in bytes, with everything: heap, array buffers, code, and what was freed and not yet given back. */
  residentBytes(): Promise<number>
}

export async function renderersOf(browser: Browser): Promise<Renderers> {
  const session = await browser.newBrowserCDPSession()
  async function running() {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo')
    return processInfo.filter(({ type }) => type === 'renderer')
  }
  return {
    async cpu() {
      const processes = await running()
      return {
        all: processes.reduce((sum, { cpuTime }) => sum + cpuTime * 1000, 0),
        main: processes.reduce((sum, { id }) => sum + mainThreadMs(id), 0),
      }
    },
    async residentBytes() {
      return (await running()).reduce((sum, { id }) => sum + privateBytes(id), 0)
    },
  }
}

function mainThreadMs(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')
  return Number(nanoseconds) / 1e6
}

function privateBytes(pid: number): number {
  const [, kilobytes] = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
