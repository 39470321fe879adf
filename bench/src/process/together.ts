import type { Child } from './start.ts'

/** Runs `work` with processes that belong to it: those that it has started through `own` are stopped when it ends, however it ends. */
export async function together<T>(
  work: (own: <R>(child: Promise<Child<R>>) => Promise<Child<R>>) => Promise<T>,
): Promise<T> {
  const children: Child<unknown>[] = []
  try {
    return await work(async (starting) => {
      const child = await starting
      children.push(child)
      return child
    })
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}
