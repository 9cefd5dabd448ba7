interface Context {
  readonly callId: string;
  readonly signal: AbortSignal;
}

export default {
  async fetch(request: Request, _context: Context): Promise<Response> {
    const name = (await request.text()).trim() || 'world';
    return new Response(`hello ${name}\n`);
  },
};
