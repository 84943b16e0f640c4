/** Choices that a seed repeats. */
export class Dice {
  readonly next: () => number

  constructor(next: () => number) {
    this.next = next
  }

  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  /** One of `items`, of which there is at least one. */
  of<A>(items: ReadonlyArray<A>): A {
    return items[this.below(items.length)]!
  }

  isLucky(part: number): boolean {
    return this.next() < part
  }
}
