'use strict';

module.exports = async (event, context) => {
  const name = String(event.body).trim() || 'world';
  return context.status(200).headers({ 'content-type': 'text/plain' }).succeed(`hello ${name}\n`);
};
