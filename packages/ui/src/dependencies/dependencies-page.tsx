export function DependenciesPage() {
  return null
}
