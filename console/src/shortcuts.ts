/** The keys of the page: three urgent acts, four areas, help. They never fire while somebody types. */

export type Asked = 'danger_call' | 'clear_request' | 'notice' | 'help' | `area.${1 | 2 | 3 | 4}`

/** By the key's place on the keyboard as well as its letter, so that they work on an Arabic layout. */
const KEYS: Record<string, Asked> = {
  KeyD: 'danger_call', KeyC: 'clear_request', KeyN: 'notice', '?': 'help',
  Digit1: 'area.1', Digit2: 'area.2', Digit3: 'area.3', Digit4: 'area.4',
}

export function urgentKeys(
  event: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'repeat' | 'target'>, busy: boolean,
): Asked | null {
  if (busy || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return null
  const element = event.target as { closest?: (selector: string) => unknown } | null
  if (element?.closest?.('input:not([type=range]), select, textarea, [contenteditable]')) return null
  if (event.key === '?' || event.key === '؟') return 'help'
  return KEYS[event.code] ?? null
}
