/** It was done, and there is nothing to say. A response with an empty text is one with a body, which 204 has not. */
export const noContent = (): Response => new Response(null, { status: 204 })
