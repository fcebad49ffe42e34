// The service itself: a function from settings to an HTTP server, so that tests can start one on any port.

import { createServer } from "node:http";
import { marked } from "marked";

const LIMIT = 1024 * 1024;

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function body(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LIMIT) throw new Refusal(413, `more than ${LIMIT} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

// Each route: what it allows, and what it answers as [status, content type, text].
function routes({ greeting, version, pod }) {
  return {
    "/": { GET: () => [200, "text/plain", `${greeting}\n`] },
    "/healthz": { GET: () => [200, "text/plain", "ok\n"] },
    "/version": { GET: () => [200, "application/json", `${JSON.stringify({ version, pod })}\n`] },
    "/render": { POST: async (request) => [200, "text/html", marked.parse(await body(request))] },
  };
}

export function createService(settings) {
  const table = routes(settings);
  return createServer(async (request, response) => {
    const send = (status, type, text, headers = {}) => {
      response.writeHead(status, { "Content-Type": `${type}; charset=utf-8`, "X-Content-Type-Options": "nosniff", ...headers });
      response.end(request.method === "HEAD" ? undefined : text);
    };
    try {
      const methods = table[new URL(request.url, "http://service").pathname];
      if (!methods) return send(404, "text/plain", "there is no such path\n");
      const answer = methods[request.method === "HEAD" ? "GET" : request.method];
      if (!answer) return send(405, "text/plain", "that method is not allowed\n", { Allow: Object.keys(methods).join(", ") });
      return send(...(await answer(request)));
    } catch (error) {
      if (error instanceof Refusal) return send(error.status, "text/plain", `${error.message}\n`, { Connection: "close" });
      console.error(error);
      return send(500, "text/plain", "something broke\n");
    }
  });
}
