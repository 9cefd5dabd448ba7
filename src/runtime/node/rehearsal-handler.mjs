/** As rehearsal-handler.cjs, for those who write ES modules: their loader has to be warm too. */
// oxlint-disable-next-line import/no-default-export -- what a handler looks like
export default async (_event, context) => context.succeed('ok\n');
