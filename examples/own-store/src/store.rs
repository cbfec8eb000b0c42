//! A store in a D1 database: one table, from which whoever writes throws away what is over.

use core::{result, time::Duration};

use edge_oidc::{
    CredentialsStore,
    store::{StoreError, StoreKey},
};
use worker::{D1Database, D1Type, Date, Env, Result};

const LOAD: &str = "SELECT value FROM credentials WHERE name = ? AND until > ?";
const SAVE: &str = "INSERT OR REPLACE INTO credentials (name, value, until) VALUES (?, ?, ?)";
const THROW_AWAY: &str = "DELETE FROM credentials WHERE until <= ?";

pub(crate) struct D1Credentials(D1Database);

impl D1Credentials {
    pub(crate) fn from_env(env: &Env) -> Result<Self> {
        env.d1("CREDENTIALS").map(Self)
    }

    async fn find(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let load = self.0.prepare(LOAD).bind_refs(&[D1Type::Text(name), D1Type::Real(now())])?;
        load.first(Some("value")).await
    }

    async fn put(&self, name: &str, value: &[u8], until: f64) -> Result<()> {
        let values = [D1Type::Text(name), D1Type::Blob(value), D1Type::Real(until)];
        let save = self.0.prepare(SAVE).bind_refs(&values)?;
        let throw_away = self.0.prepare(THROW_AWAY).bind_refs(&D1Type::Real(now()))?;
        self.0.batch(vec![throw_away, save]).await.map(drop)
    }
}

impl CredentialsStore for D1Credentials {
    async fn load(&self, key: &StoreKey) -> result::Result<Option<Vec<u8>>, StoreError> {
        self.find(key.as_str()).await.map_err(|_| StoreError)
    }

    async fn save(&self, key: &StoreKey, value: &[u8], ttl: Duration) -> result::Result<(), StoreError> {
        self.put(key.as_str(), value, now() + ttl.as_secs_f64()).await.map_err(|_| StoreError)
    }
}

/// In seconds.
#[allow(clippy::cast_precision_loss, reason = "exact for ages to come")]
fn now() -> f64 {
    Date::now().as_millis() as f64 / 1000.0
}
