/** Keys whose value is the id of an extension: what is in `service.extensions` and can be had by `Host.extension`. */
import { z } from 'zod'
import type { Capability, Extension, Host } from './component.ts'
import { CollectorError } from './error.ts'

const MARK = 'extensionFor'
/** What people call it. */
export const CAPABILITY_NAMES: Readonly<Record<Capability, string>> = {
  storage: 'storage',
  serverAuthenticator: 'authentication of clients',
  clientAuthenticator: 'authentication at servers',
}

/** The id, `type[/name]`, of an extension that can do `capability`. The config loader sees to it that there is one. */
export function extensionId(capability: Capability): z.ZodString {
  return z
    .string()
    .min(1)
    .meta({ [MARK]: capability })
}

/** What the extension of that id does; for an id of {@link extensionId}, once the component starts. */
export function extensionOf<C extends Capability>(host: Host, id: string, capability: C): NonNullable<Extension[C]> {
  const found = host.extension(id)?.[capability]
  if (found === undefined)
    throw new CollectorError('config', `there is no extension ${id} for ${CAPABILITY_NAMES[capability]}`)
  return found
}

/** Where an extension is named in a config. `path`: from the component's section on. */
export interface ExtensionReference {
  readonly path: readonly (string | number)[]
  readonly id: string
  readonly capability: Capability
}

/** The extensions that a config names. `schema`: the one that it is of. */
export function extensionsIn(schema: unknown, config: unknown): readonly ExtensionReference[] {
  if (!(schema instanceof z.ZodType) || config === undefined || config === null) return []
  const capability = schema.meta()?.[MARK] as Capability | undefined
  if (capability !== undefined) return typeof config === 'string' ? [{ path: [], id: config, capability }] : []
  if (schema instanceof z.ZodPipe) return extensionsIn(schema.out, config)
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return extensionsIn(schema.unwrap(), config)
  }
  if (schema instanceof z.ZodArray && Array.isArray(config)) {
    return config.flatMap((item, index) => below(index, schema.element, item))
  }
  if (schema instanceof z.ZodObject && typeof config === 'object') {
    return Object.entries(config).flatMap(([key, value]) => below(key, schema.shape[key] as unknown, value))
  }
  return []
}

function below(key: string | number, schema: unknown, config: unknown): readonly ExtensionReference[] {
  return extensionsIn(schema, config).map((reference) => ({ ...reference, path: [key, ...reference.path] }))
}
