'use strict';

/** What a warm process loads and calls before it becomes a function; see rehearsal.ts. */
module.exports = async (_event, context) => context.succeed('ok\n');
