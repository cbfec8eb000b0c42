//! A folder of its own for a test that runs one of the programs.

#![allow(dead_code, reason = "each test file uses what it needs of it")]

use std::{
    env,
    ffi::OsString,
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

pub(crate) struct Folder(pub(crate) PathBuf);

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn is(&self, code: i32, stdout: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), stdout), "{}", self.stderr);
    }
}

impl Folder {
    pub(crate) fn new(kind: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{kind}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Puts a shell script where programs are looked for first.
    pub(crate) fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::create_dir_all(self.0.join("bin")).unwrap();
        let path = self.0.join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
        self.run_with_input(program, arguments, variables, "")
    }

    /// Runs a program here, with no proxy and no variables of whoever runs the tests, and answers its questions.
    pub(crate) fn run_with_input(
        &self,
        program: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
        input: &str,
    ) -> Outcome {
        let mut path = OsString::from(self.0.join("bin"));
        path.push(":/usr/bin:/bin");
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(&self.0)
            .env_clear()
            .env("PATH", path)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without a question.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
