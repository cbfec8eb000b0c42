// Rules by the hundred.

/** So many rules of every kind, and all of them looked at: none before the last is about the path that is asked for. */
export function rules(count) {
  return [
    ...Array.from({ length: count - 1 }, (_, n) => [
      { path: `/section-${n}/*`, access: 'login', claims: { groups: [`team-${n}`] } },
      { path: `/private/page-${n}`, methods: ['POST', 'PUT'], access: 'deny' },
      { path: `/private/page/${n}/*`, access: 'public' },
    ][n % 3]),
    { path: '/*', access: 'login' },
  ];
}
