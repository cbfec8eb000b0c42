//! Connections that are open: they last no longer than a request with the same cookie would be served.

use core::time::Duration;

use crate::{
    flow::{Site, identify, refresh, standing},
    host::Host,
};

/// With a check interval of nothing, a connection is looked at that often.
const AT_LEAST: Duration = Duration::from_secs(1);

/// How long a connection that was opened with these cookies may go on before it is looked at again; `None`: its session
/// is over, or can't be told not to be.
///
/// Tokens are never renewed for it: it has no answer to set a cookie on. Where a request has renewed them, it goes on
/// with those; else whoever opened it asks again, and then they are.
pub async fn look(site: &Site, host: &impl Host, cookies: &str) -> Option<Duration> {
    let now = host.now();
    let mut session = identify::last_session(site, cookies)?;
    if identify::is_over(site, &session, now) {
        return None;
    }
    let checked_at = standing::check(site, host, &session).await.ok()??;
    if now >= session.validity.until {
        session = refresh::taken_over(site, host, &session).await.filter(|renewed| now < renewed.validity.until)?;
    }
    let interval = site.config.session.check_interval;
    let ends = [Some(session.validity.until), Some(session.ends_at), identify::idle_at(site, &session)];
    let end = ends.into_iter().flatten().min()?;
    // A store that is down is not asked more often for that.
    let next_check = Some(checked_at.plus(interval).since(now)).filter(|span| !span.is_zero()).unwrap_or(interval);
    Some(next_check.min(end.since(now)).max(AT_LEAST))
}
