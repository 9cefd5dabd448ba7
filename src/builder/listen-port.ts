/** Variable by which the shims of `entries/port/` know the port a template's program asks for. */
export const listenVariable = 'TINDERBOX_LISTEN_PORT';
