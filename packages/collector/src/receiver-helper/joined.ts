import type { Component } from '../component/index.ts'

/** Several receivers as one: started in their order, and all of them or none; stopped together. */
export function joinReceivers(parts: readonly Component[]): Component {
  const shutdown = async (signal: AbortSignal): Promise<void> => {
    await Promise.all(parts.map((part) => part.shutdown(signal)))
  }
  return {
    claims: parts.flatMap(({ claims }) => claims ?? []),
    async start(host) {
      try {
        for (const part of parts) await part.start(host)
      } catch (error) {
        await shutdown(AbortSignal.abort())
        throw error
      }
    },
    shutdown,
    yieldPorts: () => parts.forEach((part) => part.yieldPorts?.()),
    refresh: () => parts.forEach((part) => part.refresh?.()),
    listening: () => parts.flatMap((part) => part.listening?.() ?? []),
  }
}
