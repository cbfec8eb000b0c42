// fetch() for a page behind the Worker: when the session has ended, the visitor signs in again in a window of its own,
// and the request is sent once more. The page stays as it is.

/** As fetch(). When nobody has signed in, the answer is the 401. */
export async function fetchSignedIn(input, init) {
  const request = new Request(input, init);
  // A body that has been read can't be sent twice.
  const again = request.clone();
  const answer = await fetch(request);
  const loginUrl = await loginUrlOf(answer);
  if (loginUrl === undefined) return answer;
  await signIn(loginUrl);
  return fetch(again);
}

/** Where the Worker says that one can sign in: a path of this site, and nothing else. */
async function loginUrlOf(answer) {
  const isJson = answer.headers.get('content-type')?.startsWith('application/json');
  if (answer.status !== 401 || !isJson) return undefined;
  const { login_url: path } = await answer.clone().json();
  const url = typeof path === 'string' ? new URL(path, location.href) : undefined;
  return url?.origin === location.origin ? url.href : undefined;
}

let underWay;

/** Several requests that find the session ended wait for one window. */
function signIn(loginUrl) {
  underWay ??= inWindow(loginUrl).finally(() => (underWay = undefined));
  return underWay;
}

function inWindow(loginUrl) {
  const popup = window.open(loginUrl, 'sign-in', 'popup,width=480,height=640');
  return popup ? untilBack(popup) : inThisWindow(loginUrl);
}

function untilBack(popup) {
  return new Promise((resolve) => {
    const look = (isFocused) => {
      // A window that a provider's page has cut off from us looks closed, too; then the visitor comes back by hand.
      if (!isBack(popup) && !(isFocused && popup.closed)) return;
      clearInterval(timer);
      removeEventListener('focus', focused);
      popup.close();
      resolve();
    };
    const focused = () => look(true);
    const timer = setInterval(look, 250, false);
    addEventListener('focus', focused);
  });
}

/** Whether the window shows this site again, beyond the Worker's own addresses. */
function isBack(popup) {
  try {
    const { origin, pathname } = popup.location;
    return origin === location.origin && !pathname.includes('/oidc_');
  } catch {
    return false; // It shows the provider's page.
  }
}

/** Where windows are blocked: the page is left, and loaded anew afterwards. */
function inThisWindow(loginUrl) {
  const url = new URL(loginUrl);
  url.searchParams.set('next', location.pathname + location.search);
  location.assign(url);
  return new Promise(() => {});
}
