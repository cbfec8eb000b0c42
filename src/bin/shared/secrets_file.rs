//! A file with secrets: for its owner's eyes only, and whole or not there.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    process,
};

/// Whether something stands at `path`, if only a link to nothing.
pub(crate) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Finds out early whether files can be written beside `path`.
pub(crate) fn probe(path: &Path) -> io::Result<()> {
    Temporary::beside(path).map(drop)
}

/// Writes a new file. One that has come to be in the meantime is left alone: then the error is `AlreadyExists`.
pub(crate) fn write_new(path: &Path, content: &str) -> io::Result<()> {
    let temporary = Temporary::with(path, content)?;
    // A link never replaces anything, a rename might.
    match fs::hard_link(&temporary.path, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => write_in_place(path, content),
        outcome => outcome,
    }
}

/// Replaces the file at `path`, or where it links to, in one step.
pub(crate) fn replace(path: &Path, content: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let temporary = Temporary::with(&path, content)?;
    fs::rename(&temporary.path, &path)
}

// For file systems without links. What can't be written whole is taken away again.
fn write_in_place(path: &Path, content: &str) -> io::Result<()> {
    let mut file = create(path)?;
    let written = file.write_all(content.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// A file that goes when this goes, unless it has got another name.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn beside(path: &Path) -> io::Result<(Self, File)> {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.new", process::id()));
        let path = path.with_file_name(name);
        let file = create(&path)?;
        Ok((Self { path }, file))
    }

    fn with(path: &Path, content: &str) -> io::Result<Self> {
        let (temporary, mut file) = Self::beside(path)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
