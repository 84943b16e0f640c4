/**
 * A Duplex whose other end is not there yet: what is written waits until `attach`, so that the wire client can send
 * its startup message at once while TLS or a WebSocket is still being set up.
 */
import { Duplex } from "node:stream"

/** What the other end must be able to do. */
export interface Inner {
  readonly write: (chunk: Uint8Array, done: (error?: Error | null) => void) => void
  readonly end: () => void
  readonly destroy: () => void
  readonly pause?: () => void
  readonly resume?: () => void
}

/** A socket that counts what it was given: both kinds of ours do. */
export interface CountingDuplex extends Duplex {
  readonly bytesWritten: number
}

export class WireDuplex extends Duplex {
  private inner: Inner | undefined = undefined
  private waiting: (() => void) | undefined = undefined
  private abandon: () => void
  /** As on `net.Socket`: bytes that were handed over, delivered or not. */
  bytesWritten = 0

  /** `abandon` ends whatever is being set up when the caller gives up before `attach`. */
  constructor(abandon: () => void = () => {}) {
    super({ allowHalfOpen: false, emitClose: true, autoDestroy: true })
    this.abandon = abandon
  }

  onAbandon(abandon: () => void): void {
    this.abandon = abandon
  }

  attach(inner: Inner): void {
    if (this.destroyed) return inner.destroy()
    this.inner = inner
    const flush = this.waiting
    this.waiting = undefined
    flush?.()
  }

  /** Bytes from the other end. */
  receive(chunk: Uint8Array): void {
    if (!this.destroyed && !this.push(chunk)) this.inner?.pause?.()
  }

  /** The other end is gone. */
  peerClosed(): void {
    if (!this.destroyed) this.destroy()
  }

  override _read(): void {
    this.inner?.resume?.()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.bytesWritten += chunk.length
    if (this.inner !== undefined) return this.inner.write(chunk, done)
    this.waiting = () => this.inner?.write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.inner === undefined) {
      this.abandon()
      done()
      return
    }
    this.inner.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.inner === undefined) this.abandon()
    else this.inner.destroy()
    done(error)
  }
}
