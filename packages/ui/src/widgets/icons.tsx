import type { ReactNode } from 'react'

/** Line icons on a 16 px grid, in the colour of the text around them. They decorate: the button that holds one has the label. */
function Icon(props: { children: ReactNode; size?: number }) {
  const size = props.size ?? 14
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {props.children}
    </svg>
  )
}

export const SearchIcon = () => (
  <Icon>
    <circle cx="7" cy="7" r="4.5" />
    <path d="m10.5 10.5 3.5 3.5" />
  </Icon>
)

export const SunIcon = () => (
  <Icon size={16}>
    <circle cx="8" cy="8" r="3" />
    <path d="M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7" />
  </Icon>
)

export const MoonIcon = () => (
  <Icon size={16}>
    <path d="M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z" />
  </Icon>
)

export const MonitorIcon = () => (
  <Icon size={16}>
    <rect x="1.75" y="2.75" width="12.5" height="8.5" rx="1" />
    <path d="M5.5 13.75h5" />
  </Icon>
)

export const ChevronDown = () => (
  <Icon size={12}>
    <path d="m4 6 4 4 4-4" />
  </Icon>
)

export const ChevronUp = () => (
  <Icon size={12}>
    <path d="m4 10 4-4 4 4" />
  </Icon>
)

export const CloseIcon = () => (
  <Icon>
    <path d="m4 4 8 8M12 4l-8 8" />
  </Icon>
)

export const CopyIcon = () => (
  <Icon size={12}>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1" />
    <path d="M10.5 3.5v-1h-8v8h1" />
  </Icon>
)

export const PanelIcon = () => (
  <Icon size={16}>
    <rect x="1.75" y="2.75" width="12.5" height="10.5" rx="1" />
    <path d="M10 3v10" />
  </Icon>
)

export const OpenIcon = () => (
  <Icon size={16}>
    <path d="M1.75 12.75v-9.5h4l1.5 2h7v7.5zM8 11V7.5m0 0L6.5 9M8 7.5 9.5 9" />
  </Icon>
)

export const DownloadIcon = () => (
  <Icon>
    <path d="M8 2v8m0 0L5 7.5M8 10l3-2.5M3 13.5h10" />
  </Icon>
)
