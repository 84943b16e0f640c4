/** Of each list so many are shown: what a person reads. How many there are is said. */
export const most = 20
