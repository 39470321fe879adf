/** Those of what is around items. */
import { attributes, count, text, type Path } from './kinds.ts'

export const RESOURCE: Record<string, Path> = {
  attributes: attributes((item) => item.resource.attributes),
  dropped_attributes_count: count(
    (item) => item.resource.droppedAttributesCount,
    (item, value) => (item.resource.droppedAttributesCount = value),
  ),
  schema_url: text(
    (item) => item.resource.schemaUrl,
    (item, url) => (item.resource.schemaUrl = url),
  ),
}

export const SCOPE: Record<string, Path> = {
  name: text(
    (item) => item.scope.name,
    (item, name) => (item.scope.name = name),
  ),
  version: text(
    (item) => item.scope.version,
    (item, version) => (item.scope.version = version),
  ),
  attributes: attributes((item) => item.scope.attributes),
  dropped_attributes_count: count(
    (item) => item.scope.droppedAttributesCount,
    (item, value) => (item.scope.droppedAttributesCount = value),
  ),
  schema_url: text(
    (item) => item.scope.schemaUrl,
    (item, url) => (item.scope.schemaUrl = url),
  ),
}
