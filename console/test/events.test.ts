import { afterEach, describe, expect, it, vi } from 'vitest'
import { EventParser, listen, type Message } from '../src/events.ts'

const STREAM = ': hello\n\nretry: 2000\n\nid: 7\nevent: act\ndata: {"a":1}\n\nid: 8\r\ndata: one\r\ndata: two\r\n\r\ndata\n\nid\ndata: x\n\n'
const EXPECTED: Message[] = [
  { id: '7', event: 'act', data: '{"a":1}' },
  { id: '8', event: 'message', data: 'one\ntwo' },
  { id: '8', event: 'message', data: '' },
  { id: '', event: 'message', data: 'x' },
]

describe('EventParser', () => {
  it('reads a whole stream', () => {
    expect(new EventParser().push(STREAM)).toEqual(EXPECTED)
  })
  it('reads the same however it is cut', () => {
    for (let size = 1; size < 9; size += 1) {
      const parser = new EventParser()
      const found: Message[] = []
      for (let at = 0; at < STREAM.length; at += size) found.push(...parser.push(STREAM.slice(at, at + size)))
      expect(found, `pieces of ${size}`).toEqual(EXPECTED)
    }
  })
  it('keeps an event back until its empty line has come', () => {
    const parser = new EventParser()
    expect(parser.push('data: half\n')).toEqual([])
    expect(parser.push('\n')).toEqual([{ id: null, event: 'message', data: 'half' }])
  })
  it('does not take a comment or an unknown field for data', () => {
    expect(new EventParser().push(': data: no\nother: no\n\n')).toEqual([])
  })
})

describe('listen', () => {
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('asks with the token in a header, and goes on after the last entry when the stream breaks', async () => {
    vi.useFakeTimers()
    const asked: Record<string, string>[] = []
    const stop = new AbortController()
    vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
      asked.push(init.headers as Record<string, string>)
      if (asked.length === 2) throw new TypeError('away')
      if (asked.length === 4) stop.abort()
      return new Response(asked.length === 1 ? 'id: 41\ndata: a\n\nid: 42\ndata: b\n\nid: 43\ndata: half' : '', { status: asked.length === 4 ? 500 : 200 })
    })
    const got: string[] = []
    const states: boolean[] = []
    const listening = listen('/api/events', 'secret', '40', stop.signal, {
      onMessage: (message) => got.push(message.data),
      onState: (connected) => states.push(connected),
    })
    await vi.advanceTimersByTimeAsync(60_000)
    await listening
    expect(got).toEqual(['a', 'b'])
    expect(asked.map((headers) => headers['Last-Event-ID'])).toEqual(['40', '42', '42', '42'])
    expect(asked.every((headers) => headers['Authorization'] === 'Bearer secret')).toBe(true)
    expect(states.slice(0, 3)).toEqual([true, false, false])
  })
})
