/** The mark: three spans as the prints of a track. The favicon in index.html is the same. */
export function Brand() {
  return (
    <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true" fill="var(--accent)">
      <rect x="1" y="2" width="15" height="3" rx="1.5" />
      <rect x="4.5" y="7.5" width="7" height="3" rx="1.5" />
      <rect x="9" y="13" width="8" height="3" rx="1.5" />
    </svg>
  )
}
