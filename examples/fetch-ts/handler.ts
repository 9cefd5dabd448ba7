interface Context {
  readonly callId: string;
}

export default {
  async fetch(request: Request, context: Context): Promise<Response> {
    const { pathname } = new URL(request.url);
    return Response.json({ method: request.method, path: pathname, body: await request.text(), id: context.callId });
  },
};
