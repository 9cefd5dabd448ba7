'use strict';

module.exports = async (event, context) => {
  // JSON and forms come parsed.
  const name = typeof event.body === 'string' ? event.body.trim() : JSON.stringify(event.body);
  return context.status(200).headers({ 'content-type': 'text/plain' }).succeed(`hello ${name || 'world'}\n`);
};
