/** Where a page of events ended: the date and key of its last one, as text that callers hand back. */

export interface EventCursor {
  /** The date as Postgres writes it, with microseconds. */
  readonly position: string
  readonly id: string
}

export const format = ({ id, position }: EventCursor): string =>
  Buffer.from(`${position}_${id}`, "utf8").toString("base64url")

const pattern =
  /^(?<position>\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d(?::\d\d){0,2})_(?<id>[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/

/** `undefined` for what `format` never gave. */
export const parse = (text: string): EventCursor | undefined => {
  const { id, position } = pattern.exec(Buffer.from(text, "base64url").toString("utf8"))?.groups ?? {}
  return id === undefined || position === undefined ? undefined : { position, id }
}
