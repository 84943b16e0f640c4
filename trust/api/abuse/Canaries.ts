/** Texts that must come out nowhere, and where they did. */
import { canary as secret } from "../Stage.ts"

/** In everything that is made up for a request. `~` is in no request id and no name that is accepted. */
export const planted = "fUzZ~c4n4ry"

/** In rows that no route answers. */
export const row = "r0w-c4n4ry"

/** Part of the administrator's e-mail, which those may see who look after the product. */
export const email = "m4il-c4n4ry"

export interface Place {
  /** Such as `log`, `span`, or the operation that answered it. */
  readonly where: string
  /** What the operation is for is to show what somebody wrote: reasons in the audit log, constants in a plan. */
  readonly mayShow?: ReadonlyArray<"planted" | "email">
}

export class Canaries {
  private readonly texts: Array<readonly [name: string, text: string]> = [
    ["secret", secret],
    ["planted", planted],
    ["row", row],
    ["email", email]
  ]
  private readonly found = new Map<string, number>()

  /** From now on `text` must come out nowhere. */
  add(name: string, text: string): void {
    this.texts.push([name, text])
  }

  look(text: string, { mayShow = [], where }: Place): void {
    for (const [name, canary] of this.texts) {
      if (!text.includes(canary) || mayShow.some((allowed) => allowed === name)) continue
      const key = `${name} in ${where}`
      this.found.set(key, (this.found.get(key) ?? 0) + 1)
    }
  }

  /** Places, not times. */
  get leaks(): number {
    return this.found.size
  }

  get problems(): ReadonlyArray<string> {
    return [...this.found].slice(0, 10).map(([place, times]) => `leak: ${place}, ${times} times`)
  }
}
