// Where the provider of a crowd keeps what it knows. oidc-provider's own memory holds 1000 entries for certain and forgets
// the oldest, a visitor who signs in makes about ten: with 300 of them it refused refresh tokens that nobody had used.

/** An adapter for oidc-provider that forgets nothing before the process ends. */
export function lastingStorage() {
  const kinds = new Map();
  return (kind) => {
    if (!kinds.has(kind)) kinds.set(kind, new Entries());
    return kinds.get(kind);
  };
}

/** The entries of one kind, with those of a grant and a session's `uid` at hand. */
class Entries {
  all = new Map();
  ofGrants = new Map();
  ofSessions = new Map();

  async upsert(id, payload) {
    this.all.set(id, payload);
    if (payload.uid) this.ofSessions.set(payload.uid, id);
    if (!payload.grantId) return;
    if (!this.ofGrants.has(payload.grantId)) this.ofGrants.set(payload.grantId, new Set());
    this.ofGrants.get(payload.grantId).add(id);
  }

  async find(id) {
    return this.all.get(id);
  }

  async findByUid(uid) {
    return this.find(this.ofSessions.get(uid));
  }

  async consume(id) {
    this.all.get(id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.all.delete(id);
  }

  async revokeByGrantId(grantId) {
    for (const id of this.ofGrants.get(grantId) ?? []) this.all.delete(id);
    this.ofGrants.delete(grantId);
  }
}
