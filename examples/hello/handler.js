module.exports = async (event, context) => context.status(200).succeed('hello from Node\n');
