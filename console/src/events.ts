/**
 * The node's live stream, read with fetch so that the token travels in a header and never in an address. It starts
 * again by itself, from the last entry it saw.
 */

export interface Message {
  id: string | null
  event: string
  data: string
}

/** Takes a text/event-stream apart as it arrives, however it is cut (HTML standard, "Server-sent events"). */
export class EventParser {
  #rest = ''
  #data: string[] = []
  #event = ''
  #id: string | null = null

  push(chunk: string): Message[] {
    const out: Message[] = []
    this.#rest += chunk
    // A carriage return at the very end may be half of CR LF: keep it until the next chunk.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) out.push({ id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') })
        this.#data = []
        this.#event = ''
        continue
      }
      const colon = line.indexOf(':')
      if (colon === 0) continue
      const field = colon < 0 ? line : line.slice(0, colon)
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'data') this.#data.push(value)
      else if (field === 'event') this.#event = value
      else if (field === 'id' && !value.includes('\0')) this.#id = value
    }
    return out
  }
}

export interface Listener {
  onMessage(message: Message): void
  onState(connected: boolean): void
}

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 15_000

/** Listens until `signal` says stop. */
export async function listen(url: string, token: string, after: string | null, signal: AbortSignal, to: Listener): Promise<void> {
  let last = after
  let pause = FIRST_PAUSE_MS
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream', Authorization: `Bearer ${token}` }
      if (last !== null) headers['Last-Event-ID'] = last
      const response = await fetch(url, { headers, signal, cache: 'no-store' })
      if (!response.ok || !response.body) throw new Error(`events: ${response.status}`)
      to.onState(true)
      pause = FIRST_PAUSE_MS
      const parser = new EventParser()
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        for (const message of parser.push(value)) {
          last = message.id ?? last
          to.onMessage(message)
        }
      }
    } catch {
      // The node is away or restarting; said on the page by onState, tried again below.
    }
    if (signal.aborted) return
    to.onState(false)
    await new Promise((wake) => setTimeout(wake, pause))
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
  }
}
