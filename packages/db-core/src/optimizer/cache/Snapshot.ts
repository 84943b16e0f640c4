/**
 * Postgres's snapshot, `xmin:xmax:xip,…`: which transactions a query saw.
 *
 * Source: PostgreSQL documentation, 9.28 "Transaction ID and Snapshot Information Functions".
 */

export interface Snapshot {
  /** Every transaction below is over. */
  readonly xmin: bigint
  /** None from here on had ended. */
  readonly xmax: bigint
  /** Those in between that were under way, as text. */
  readonly running: ReadonlyArray<string>
}

export const parse = (text: string): Snapshot => {
  const [xmin = "0", xmax = "0", running = ""] = text.split(":")
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), running: running === "" ? [] : running.split(",") }
}

/** Whether what `xid` did is seen, if it committed. */
export const sees = ({ running, xmax, xmin }: Snapshot, xid: bigint): boolean =>
  xid < xmin || (xid < xmax && !running.includes(String(xid)))
