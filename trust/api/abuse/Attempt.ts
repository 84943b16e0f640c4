/** One thing that is sent, and what may come back. */
import type { Sending } from "../Wire.ts"
import { written } from "../Wire.ts"

/**
 * - `refused`: it is malformed: 4xx.
 * - `answered`: anything but a 5xx.
 * - `anything`: it is no HTTP any more: the socket may answer it by itself, without a body, or close.
 */
export type Expectation = "refused" | "answered" | "anything"

export interface Attempt {
  /** Method and path pattern: for people. */
  readonly operation: string
  readonly kind: string
  readonly bytes: Uint8Array
  readonly isHead: boolean
  readonly expects: Expectation
  /** The answer is not waited for. */
  readonly isDropped?: boolean
}

/** Bytes that the first line of a request may not have, or a header: the socket refuses them by itself. */
const isIllegal = ({ headers = [], target }: Sending): boolean =>
  /[^!-~]/.test(target) ||
  headers.some(([name, value]) =>
    /[^!-~]/.test(name) || Buffer.from(value).some((byte) => byte < 0x20 || byte === 0x7f)
  )

export const attempt = (
  operation: string,
  kind: string,
  sending: Sending,
  expects: Expectation = "answered"
): Attempt => ({
  operation,
  kind,
  bytes: written(sending),
  isHead: sending.method === "HEAD",
  expects: isIllegal(sending) ? "anything" : expects
})
