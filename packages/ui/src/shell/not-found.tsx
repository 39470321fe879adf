import { Link } from '@tanstack/react-router'
import { Notice } from '../widgets/notice.tsx'

export function NotFound() {
  return (
    <Notice title="No such page">
      <p>
        There is nothing at <code>{location.pathname}</code>. Go to <Link to="/search">Search</Link>.
      </p>
    </Notice>
  )
}
