/** A variable that cannot be used, and what would be right. What it holds may be a secret, so that is not told. */
export interface Unusable {
  readonly key: string
  readonly expected: string
}
