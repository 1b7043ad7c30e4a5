// What went wrong with a request, as a sentence, with a sentence for each field.
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly fields: Record<string, string> = {},
  ) {
    super(message);
  }

  get signedOut(): boolean {
    return this.status === 401;
  }

  // 0: nothing was answered at all.
  get unreachable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

const SENTENCES: Record<number, string> = {
  0: "The master does not answer.",
  401: "You are not signed in.",
  403: "You may not do this.",
  404: "There is no such thing.",
  500: "Something went wrong in the master; its log says what.",
  503: "The master is starting.",
};

// Reads {"error": "..."} and {"error": {"message": "..."}}; a page of a proxy says nothing to us.
export function readProblem(status: number, body: unknown): Problem {
  const record = isRecord(body) ? body : {};
  const error = isRecord(record["error"]) ? record["error"]["message"] : record["error"];
  const fields: Record<string, string> = {};
  if (isRecord(record["fields"])) {
    for (const [name, sentence] of Object.entries(record["fields"])) fields[name] = String(sentence);
  }
  const sentence = typeof error === "string" && error ? error : SENTENCES[status];
  return new Problem(status, sentence ?? `The master answered ${status}.`, fields);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
