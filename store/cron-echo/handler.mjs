const maxShown = 1000;

/** Writes when and by whom it was called to its log and answers the same: to see that a schedule or topic arrives. */
export default {
  async fetch(request) {
    const body = await request.text();
    const call = {
      at: new Date().toISOString(),
      by: request.headers.get('x-connector') ?? request.headers.get('user-agent') ?? 'unknown',
      topic: request.headers.get('x-topic') ?? undefined,
      schedule: request.headers.get('x-schedule') ?? undefined,
      body: body.length > maxShown ? `${body.slice(0, maxShown)}…` : body,
    };
    console.log(JSON.stringify(call));
    return Response.json(call);
  },
};
