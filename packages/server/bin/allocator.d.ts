export function startsStore(args: readonly string[]): boolean
export function startsLocalStore(args: readonly string[]): boolean
export function restartWithAllocator(): void
