/** Keys whose value is the id of an extension: what is in `service.extensions` and can be had by `Host.extension`. */
import { z } from 'zod'

const MARK = 'extensionId'

/** An extension's id, `type[/name]`. The config loader sees to it that there is one. */
export const extensionId = z
  .string()
  .min(1)
  .meta({ [MARK]: true })

/** Where an extension is named in a config. `path`: from the component's section on. */
export interface ExtensionReference {
  readonly path: readonly (string | number)[]
  readonly id: string
}

/** The extensions that a config names. `schema`: the one that it is of. */
export function extensionsIn(schema: unknown, config: unknown): readonly ExtensionReference[] {
  if (!(schema instanceof z.ZodType) || config === undefined || config === null) return []
  if (schema.meta()?.[MARK] === true) return typeof config === 'string' ? [{ path: [], id: config }] : []
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
  return extensionsIn(schema, config).map(({ path, id }) => ({ path: [key, ...path], id }))
}
