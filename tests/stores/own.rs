//! Stores as others write them: two methods, and all that can be wrong with those.

use core::{cell::RefCell, time::Duration};
use std::collections::BTreeMap;

use edge_oidc::{
    CredentialsStore,
    store::{StoreError, StoreKey},
};

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    None,
    Forgets,
    KeepsTheFirst,
    MixesKeys,
    KnowsTextAlone,
    CutsOff,
    MakesThingsUp,
    FailsToLoad,
    FailsToSave,
    DoublesMembers,
    NeverLeaves,
    MixesLists,
}

pub(crate) struct Own {
    fault: Fault,
    entries: RefCell<BTreeMap<String, Vec<u8>>>,
    members: RefCell<Vec<[String; 3]>>,
}

impl Own {
    pub(crate) fn with(fault: Fault) -> Self {
        Self { fault, entries: RefCell::default(), members: RefCell::default() }
    }

    fn name(&self, key: &StoreKey) -> String {
        if self.fault == Fault::MixesKeys { "x".to_owned() } else { key.as_str().to_owned() }
    }
}

impl CredentialsStore for Own {
    async fn load(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.entries.borrow().get(&self.name(key)).cloned();
        match self.fault {
            Fault::FailsToLoad => Err(StoreError),
            Fault::MakesThingsUp => Ok(Some(found.unwrap_or_default())),
            _ => Ok(found),
        }
    }

    async fn save(&self, key: &StoreKey, value: &[u8], _ttl: Duration) -> Result<(), StoreError> {
        let mut entries = self.entries.borrow_mut();
        let name = self.name(key);
        let value = match self.fault {
            Fault::Forgets => return Ok(()),
            Fault::FailsToSave => return Err(StoreError),
            Fault::KeepsTheFirst if entries.contains_key(&name) => return Ok(()),
            Fault::KnowsTextAlone => String::from_utf8_lossy(value).into_owned().into_bytes(),
            Fault::CutsOff => value[..value.len().min(4096)].to_vec(),
            _ => value.to_vec(),
        };
        entries.insert(name, value);
        Ok(())
    }

    async fn join(&self, list: &StoreKey, member: &StoreKey, record: &str, _ttl: Duration) -> Result<(), StoreError> {
        let new = [list.as_str(), member.as_str(), record].map(str::to_owned);
        let mut members = self.members.borrow_mut();
        members.retain(|[in_list, old, _]| self.fault == Fault::DoublesMembers || [in_list, old] != [&new[0], &new[1]]);
        members.push(new);
        Ok(())
    }

    async fn leave(&self, list: &StoreKey, member: &StoreKey) -> Result<(), StoreError> {
        let gone = |[in_list, old, _]: &[String; 3]| in_list == list.as_str() && old == member.as_str();
        self.members.borrow_mut().retain(|kept| self.fault == Fault::NeverLeaves || !gone(kept));
        Ok(())
    }

    async fn members(&self, list: &StoreKey) -> Result<Option<Vec<String>>, StoreError> {
        let is_asked = |in_list: &str| self.fault == Fault::MixesLists || in_list == list.as_str();
        let members = self.members.borrow();
        Ok(Some(members.iter().filter(|kept| is_asked(&kept[0])).map(|kept| kept[2].clone()).collect()))
    }
}
