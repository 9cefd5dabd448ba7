'use strict';
// A template's program listens on a port of its own choice, which only one on a machine can have: where it does, it gets
// the port its instance was given, reachable from this machine alone.
const { Server } = require('node:net');

const wanted = Number(process.env.TINDERBOX_LISTEN_PORT);
const given = Number(process.env.PORT);
const { listen } = Server.prototype;

Server.prototype.listen = function listenAsGiven(first, ...rest) {
  if (!given || !wanted) return listen.call(this, first, ...rest);
  if (Number(first) === wanted) {
    const callback = rest.find((one) => typeof one === 'function');
    return listen.call(this, { port: given, host: '127.0.0.1' }, ...(callback === undefined ? [] : [callback]));
  }
  if (typeof first === 'object' && first !== null && Number(first.port) === wanted) {
    return listen.call(this, { ...first, port: given, host: '127.0.0.1' }, ...rest);
  }
  return listen.call(this, first, ...rest);
};
