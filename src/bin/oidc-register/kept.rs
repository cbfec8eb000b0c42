//! The file of an earlier registration, kept true to what the provider says.

use std::{fs, path::Path};

use edge_oidc::{
    oauth::exchange::ProviderRequest,
    oidc::registration::{self, Access, Registration, management},
};

use crate::{
    client_secrets::ClientSecrets,
    commands::{Done, Failure, answer, not_written, refused},
    secrets_file,
    terminal::Terminal,
};

/// A file and the registration that it belongs to.
pub(crate) struct Kept<'p> {
    path: &'p Path,
    pub(crate) file: ClientSecrets,
    registration: Registration,
    pub(crate) access: Access,
}

impl<'p> Kept<'p> {
    pub(crate) fn open(path: &'p Path, headline: &str, terminal: &Terminal) -> Result<Self, Failure> {
        let file = open(path, headline)?;
        let Some((registration, access)) = file.registration() else {
            return Err(Failure::new(headline)
                .cause(format!("{} has no registration_client_uri and registration_access_token", path.display()))
                .cure("change the registration at the provider, by its own pages"));
        };
        if !registration::is_bearer_token(access.token.expose()) {
            return Err(Failure::new(headline).cause("expected visible ASCII as registration_access_token"));
        }
        file.secrets().for_each(|secret| terminal.hide(&secret));
        secrets_file::probe(path).map_err(|error| not_written(path, &error))?;
        Ok(Self { path, file, registration, access })
    }

    /// Asks the provider and keeps what it says: each answer may bring new secrets (RFC 7592 §5).
    pub(crate) fn ask(
        &mut self,
        request: impl Fn(&Access) -> ProviderRequest,
        headline: &str,
        terminal: &Terminal,
    ) -> Result<Registration, Failure> {
        let answer = answer(&request(&self.access), headline, terminal)?;
        let registration =
            management::response(&answer, &self.registration).map_err(|error| refused(headline, &error))?;
        let mut file = self.file.clone();
        file.take_over(&registration);
        file.secrets().for_each(|secret| terminal.hide(&secret));
        if file != self.file {
            self.file = file;
            self.save()?;
        }
        if let Some((known, access)) = self.file.registration() {
            self.registration = known;
            self.access = access;
        }
        Ok(registration)
    }

    pub(crate) fn save(&self) -> Done {
        secrets_file::replace(self.path, &self.file.to_line()).map_err(|error| not_written(self.path, &error))
    }
}

pub(crate) fn open(path: &Path, headline: &str) -> Result<ClientSecrets, Failure> {
    let bytes = fs::read(path)
        .map_err(|error| Failure::new(headline).cause(format!("{}: {}", path.display(), error.kind())))?;
    ClientSecrets::parse(&bytes)
        .ok_or_else(|| Failure::new(headline).cause(format!("{} is no client_secrets.json", path.display())))
}
