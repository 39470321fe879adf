/** The oldest Node that this package is tried on: it has all that is used, `require` of ES modules included. */
const oldest = [22, 15] as const

/** Why nothing can be traced in this runtime, as a sentence's end; undefined when it can. */
export function runtimeProblem(versions: NodeJS.ProcessVersions = process.versions): string | undefined {
  if (otherRuntime(versions) !== undefined) return undefined
  const [major = 0, minor = 0] = versions.node.split('.').map(Number)
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined
  return `Node ${versions.node} is too old, @spoor/instrument needs ${oldest.join('.')} or newer`
}

/** `Bun 1.3.0` or `Deno 2.5.0`, in which modules cannot be patched as in Node. */
export function otherRuntime(versions: NodeJS.ProcessVersions = process.versions): string | undefined {
  if (versions['bun'] !== undefined) return `Bun ${versions['bun']}`
  if (versions['deno'] !== undefined) return `Deno ${versions['deno']}`
  return undefined
}
