/**
 * Keys that were answered so lately that the feed may not know yet what the answer had seen. Of these nothing is taken
 * from the second level: it could be older than what a reader here has seen, and nobody could tell.
 */

/** Of more every key counts as recent until the next poll. */
const maxKeys = 10_000

export class Recent {
  /** With the polls that had been sent, in that order. */
  private readonly keys = new Map<string, number>()
  private every: number | undefined
  private polls = 0

  /** It was answered. */
  note(key: string): void {
    this.keys.delete(key)
    if (this.keys.size >= maxKeys) {
      this.keys.clear()
      this.every = this.polls
    }
    this.keys.set(key, this.polls)
  }

  has(key: string): boolean {
    return this.every !== undefined || this.keys.has(key)
  }

  /** A poll is about to be sent. */
  asked(): number {
    return ++this.polls
  }

  /** It was answered: it saw what was seen by answers from before it. */
  told(poll: number): void {
    if (this.every !== undefined && this.every < poll) this.every = undefined
    for (const [key, at] of this.keys) {
      if (at >= poll) return
      this.keys.delete(key)
    }
  }
}
