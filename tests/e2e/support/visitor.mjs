// A visitor: keeps cookies as a browser does, follows redirects when told, fills in the provider's forms.

import { request } from './http.mjs';

const NAVIGATION = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };

export class Visitor {
  constructor(publicUrl) {
    this.publicUrl = publicUrl;
    /** host -> name -> { value, path } (loopback hosts count as secure, as in browsers; ports share cookies) */
    this.jar = new Map();
  }

  /** A request with this visitor's cookies; what is set is kept. `to` is a target of the Worker, or a whole URL. */
  async send(to, { method = 'GET', headers = {}, body } = {}) {
    const { port, hostname, host, target } = this.place(to);
    const cookie = this.cookieHeader(hostname, target);
    const answer = await request({ port, method, target, body, headers: { Host: host, ...(cookie && { Cookie: cookie }), ...headers } });
    this.keep(hostname, answer.setCookies);
    return { ...answer, url: `http://${host}${target}` };
  }

  /** A navigation: what a browser asks for when its visitor follows a link. */
  navigate(to, { headers = {}, ...options } = {}) {
    return this.send(to, { ...options, headers: { ...NAVIGATION, ...headers } });
  }

  /** What a page's script asks for. */
  fetch(to, { headers = {}, ...options } = {}) {
    return this.send(to, { ...options, headers: { Accept: 'application/json', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Site': 'same-origin', ...headers } });
  }

  /** Navigates and follows redirects to the first answer that is none, or whose next address `until` accepts. */
  async open(to, { until = () => false, ...options } = {}) {
    let answer = await this.navigate(to, options);
    for (let hops = 0; answer.headers.location && answer.status >= 300 && answer.status < 400; hops += 1) {
      if (hops === 20) throw new Error(`redirected without end, last to ${answer.url}`);
      const next = new URL(answer.headers.location, answer.url).href;
      if (until(next)) return { ...answer, next };
      answer = await this.navigate(next);
    }
    return answer;
  }

  /** Sends the form of a page back, with `fields` filled in. */
  submit(page, fields, options) {
    const action = page.text.match(/<form[^>]*\saction="([^"]+)"/)?.[1]?.replaceAll('&amp;', '&');
    const hidden = [...page.text.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [input.match(/name="([^"]*)"/)?.[1], input.match(/value="([^"]*)"/)?.[1] ?? '']);
    return this.open(new URL(action ?? page.url, page.url).href, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: new URL(page.url).origin },
      body: new URLSearchParams([...hidden, ...Object.entries(fields)]).toString(),
      ...options,
    });
  }

  /** Asks for `target`, signs in where that leads, and resolves to the page it ends at. */
  async signIn(target = '/private/', name = 'alice', options = {}) {
    const form = await this.open(target);
    if (!form.text.includes('type="password"')) throw new Error(`expected the provider's form, got ${form.status} at ${form.url}:\n${form.text.slice(0, 500)}`);
    return this.submit(form, { name, password: name }, options);
  }

  /** Signs out by a form of the site; the answer leads on to the provider. */
  signOut(body = '') {
    return this.send('/oidc_logout', { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: this.publicUrl }, body });
  }

  /** Signs in up to the callback, which is returned as a URL and not yet asked for. */
  async callbackUrl(target = '/private/', name = 'alice') {
    const isCallback = (url) => url.startsWith(`${this.publicUrl}/oidc_callback`);
    const page = await this.open(target, { until: isCallback });
    if (page.next) return page.next;
    return (await this.submit(page, { name, password: name }, { until: isCallback })).next;
  }

  /** This visitor's cookies at the Worker, name -> value. */
  get cookies() {
    return Object.fromEntries([...(this.jar.get('localhost') ?? new Map())].map(([name, { value }]) => [name, value]));
  }

  /** The names of the session's cookies, of which there are several when claims are large. */
  get sessionCookies() {
    return Object.keys(this.cookies).filter(isSessionCookie);
  }

  /** The names of the cookies of sign-ins under way; the one that counts tries is none. */
  get loginCookies() {
    return Object.keys(this.cookies).filter((name) => /oidc/.test(name) && !isSessionCookie(name) && !/_tries$/.test(name));
  }

  place(to) {
    const whole = to.startsWith('http://') ? to : `${this.publicUrl}${to}`;
    const [, host, target] = whole.match(/^http:\/\/([^/?#]+)([^#]*)/);
    const [hostname, port] = host.split(':');
    return { host, hostname, port: Number(port), target: target.startsWith('/') ? target : `/${target}` };
  }

  cookieHeader(hostname, target) {
    const path = target.split('?')[0];
    return [...(this.jar.get(hostname) ?? new Map())]
      .filter(([, cookie]) => path === cookie.path || path.startsWith(cookie.path.endsWith('/') ? cookie.path : `${cookie.path}/`))
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ');
  }

  keep(hostname, setCookies) {
    const cookies = this.jar.get(hostname) ?? new Map();
    this.jar.set(hostname, cookies);
    for (const { name, value, attributes } of setCookies.map(parseSetCookie)) {
      const gone = attributes['max-age'] !== undefined ? Number(attributes['max-age']) <= 0 : attributes.expires !== undefined && Date.parse(attributes.expires) <= Date.now();
      // RFC 6265bis: a prefix without what it promises is refused, and so is the whole cookie.
      if (name.startsWith('__Host-') && (attributes.secure === undefined || attributes.path !== '/' || attributes.domain !== undefined)) continue;
      if (gone) cookies.delete(name);
      else cookies.set(name, { value, path: attributes.path ?? '/' });
    }
  }
}

/** Whether a cookie of this name is a session's, or a piece of one. */
export function isSessionCookie(name) {
  return /^(__Host-)?oidc_id_token([._-]?\d+)?$/.test(name);
}

/** `{ name, value, attributes }` of a Set-Cookie header, attribute names in lower case. */
export function parseSetCookie(header) {
  const [pair, ...rest] = header.split(';').map((part) => part.trim());
  const attributes = Object.fromEntries(rest.map((attribute) => {
    const [name, ...value] = attribute.split('=');
    return [name.toLowerCase(), value.join('=')];
  }));
  return { name: pair.slice(0, pair.indexOf('=')), value: pair.slice(pair.indexOf('=') + 1), attributes };
}
