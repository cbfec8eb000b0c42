//! What every [`Store`] must do, for those who write one: call [`check`] from a test.
//!
//! It asks the store itself. What comes of it for visitors is said by `tests/stores.json`, which this crate runs for its own
//! stores. Run it where the store agrees with itself at once, as local simulations do: elsewhere a value may be on its way.
//! Nothing here is compiled into a Worker that does not call it.
//!
//! ```no_run
//! # async fn test(store: impl edge_oidc::CredentialsStore) {
//! let run = "anything that this store has not seen yet";
//! edge_oidc::store::contract::check(&store, run).await.unwrap();
//! # }
//! ```

use core::{fmt, time::Duration};

use super::{Claim, FOR_GOOD, Store, StoreError, StoreKey, mark};
use crate::time::Timestamp;

const HOUR: Duration = Duration::from_secs(3600);
const STALE: Timestamp = Timestamp::from_unix(1_000);
const RENEWED: Timestamp = Timestamp::from_unix(2_000);
/// As large as credentials get: those whose provider puts groups into every token.
const LARGE: usize = 64 * 1024;

/// What a store does otherwise than it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(Vec<&'static str>);

impl Broken {
    /// The statements that do not hold.
    pub fn statements(&self) -> &[&'static str] {
        &self.0
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store breaks its contract: {}", self.0.join("; "))
    }
}

impl core::error::Error for Broken {}

/// Holds a store against every statement of the contract. `run` names entries that no earlier run has left behind.
///
/// # Errors
///
/// [`Broken`] names each statement that does not hold; so does one for which the store fails.
pub async fn check(store: &impl Store, run: &str) -> Result<(), Broken> {
    let under = Under { store, run };
    let held = [
        ("what was never saved is not there", under.nothing_there().await),
        ("what was saved is there, whatever its bytes", under.any_bytes().await),
        ("64 KiB fit", under.large().await),
        ("what is saved takes the place of what stood there", under.replaced().await),
        ("each key has its own value", under.apart().await),
        ("a claim tells what stands there, and of nothing too", under.claimed().await),
        ("a renewed entry is there, and the next claim finds it", under.renewed().await),
        ("a turn that is given up is another one's", under.released().await),
        ("a mark takes the place of credentials, and a claim finds it", under.marked().await),
        ("a list has who joined it, once, and not who left", under.listed().await),
        ("leaving a list without having joined it is no failure", under.left().await),
    ];
    let broken: Vec<_> =
        held.into_iter().filter(|(_, holds)| *holds != Ok(true)).map(|(statement, _)| statement).collect();
    if broken.is_empty() { Ok(()) } else { Err(Broken(broken)) }
}

type Holds = Result<bool, StoreError>;

struct Under<'s, S> {
    store: &'s S,
    run: &'s str,
}

impl<S: Store> Under<'_, S> {
    fn key(&self, name: &str) -> StoreKey {
        StoreKey::of_subject(self.run, name)
    }

    async fn stands(&self, key: &StoreKey, value: &[u8]) -> Holds {
        Ok(self.store.load(key).await?.as_deref() == Some(value))
    }

    async fn kept(&self, name: &str, value: &[u8]) -> Holds {
        let key = self.key(name);
        self.store.save(&key, value, HOUR).await?;
        self.stands(&key, value).await
    }

    /// What a claim gives, whoever's turn it is; the turn is given up.
    async fn claim(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError> {
        match self.store.claim(key, STALE).await? {
            Claim::Renewed(value) => Ok(Some(value)),
            Claim::Yours(value) => {
                self.store.release(key).await;
                Ok(value)
            }
        }
    }

    async fn nothing_there(&self) -> Holds {
        Ok(self.store.load(&self.key("nothing")).await?.is_none())
    }

    async fn any_bytes(&self) -> Holds {
        let every: Vec<u8> = (0..=u8::MAX).collect();
        Ok(self.kept("bytes", &every).await? && self.kept("zero", &[0]).await?)
    }

    async fn large(&self) -> Holds {
        let value: Vec<u8> = (0..=u8::MAX).cycle().take(LARGE).collect();
        self.kept("large", &value).await
    }

    async fn replaced(&self) -> Holds {
        Ok(self.kept("replaced", b"a longer one").await? && self.kept("replaced", b"short").await?)
    }

    async fn apart(&self) -> Holds {
        let (one, other) = (self.key("one"), self.key("other"));
        self.store.save(&one, b"1", HOUR).await?;
        self.store.save(&other, b"2", HOUR).await?;
        Ok(self.stands(&one, b"1").await? && self.stands(&other, b"2").await?)
    }

    async fn claimed(&self) -> Holds {
        let key = self.key("claimed");
        let nothing = self.claim(&key).await?.is_none();
        self.store.save_renewed(&key, b"1", STALE, HOUR).await?;
        Ok(nothing && self.claim(&key).await?.as_deref() == Some(b"1"))
    }

    async fn renewed(&self) -> Holds {
        let key = self.key("renewed");
        self.store.save_renewed(&key, b"old", STALE, HOUR).await?;
        let Claim::Yours(Some(_)) = self.store.claim(&key, STALE).await? else { return Ok(false) };
        self.store.save_renewed(&key, b"new", RENEWED, HOUR).await?;
        Ok(self.stands(&key, b"new").await? && self.claim(&key).await?.as_deref() == Some(b"new"))
    }

    async fn released(&self) -> Holds {
        let key = self.key("released");
        self.store.save_renewed(&key, b"old", STALE, HOUR).await?;
        for _ in 0..2 {
            let Claim::Yours(Some(_)) = self.store.claim(&key, STALE).await? else { return Ok(false) };
            self.store.release(&key).await;
        }
        self.stands(&key, b"old").await
    }

    async fn marked(&self) -> Holds {
        let (key, mark) = (self.key("marked"), mark::mark(FOR_GOOD));
        self.store.save_renewed(&key, b"credentials", RENEWED, HOUR).await?;
        self.store.save(&key, &mark, HOUR).await?;
        Ok(self.stands(&key, &mark).await? && self.claim(&key).await? == Some(mark))
    }

    async fn listed(&self) -> Holds {
        let (list, one, other) = (self.key("list"), self.key("member"), self.key("other member"));
        self.store.join(&list, &one, "first", HOUR).await?;
        self.store.join(&list, &other, "second", HOUR).await?;
        self.store.join(&list, &one, "again", HOUR).await?;
        let Some(mut joined) = self.store.members(&list).await? else { return Ok(true) };
        joined.sort();
        self.store.leave(&list, &other).await?;
        let rest = self.store.members(&list).await?.unwrap_or_default();
        let of_others = self.store.members(&self.key("another list")).await?.unwrap_or_default();
        Ok(joined == ["again", "second"] && rest == ["again"] && of_others.is_empty())
    }

    async fn left(&self) -> Holds {
        self.store.leave(&self.key("nobody's list"), &self.key("nobody")).await.map(|()| true)
    }
}
