const maxBytes = 32 * 1024 * 1024;

/**
 * A JSON array of objects (or one object a line) in, CSV after RFC 4180 out, a column for every key in the order they
 * are met. `?delimiter=;` takes another mark, `?formulas=off` keeps a spreadsheet from running what begins like a formula.
 */
export default {
  async fetch(request) {
    const query = new URL(request.url).searchParams;
    const delimiter = query.get('delimiter') ?? ',';
    const body = await request.text();
    if (body.length > maxBytes) return refuse(413, `the body has more than ${maxBytes} characters`);
    if (!/^[,;|\t]$/.test(delimiter)) return refuse(400, 'delimiter is a comma, semicolon, bar or tab');
    const rows = parseRows(body);
    if (rows === undefined)
      return refuse(400, 'the body is neither a JSON array of objects nor one JSON object a line');
    const csv = formatCsv(rows, delimiter, query.get('formulas') === 'off');
    return new Response(csv, { headers: { 'content-type': 'text/csv; charset=utf-8' } });
  },
};

function parseRows(text) {
  const whole = parse(text);
  const rows = whole === undefined ? text.trim().split('\n').map(parse) : [whole].flat();
  return rows.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row)) ? rows : undefined;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function formatCsv(rows, delimiter, disarm) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (values) => `${values.map((value) => cell(value, delimiter, disarm)).join(delimiter)}\r\n`;
  return [
    line(columns),
    ...rows.map((row) => line(columns.map((name) => (Object.hasOwn(row, name) ? row[name] : '')))),
  ].join('');
}

function cell(value, delimiter, disarm) {
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
  const safe = disarm && typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return safe.includes(delimiter) || /["\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function refuse(status, reason) {
  return new Response(`${reason}\n`, { status });
}
