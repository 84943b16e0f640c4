/** What the product calls itself, in the index and in the OpenAPI document. */
import manifest from "../package.json" with { type: "json" }

export const product = { name: "ems", version: manifest.version } as const
