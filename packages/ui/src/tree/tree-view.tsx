export function TreeView() {
  return null
}
