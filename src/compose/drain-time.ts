/** How long calls in flight may take when the platform stops. Unit: ms. */
export const drainMs = 20_000;
