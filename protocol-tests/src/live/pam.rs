//! A service of PAM that knows the passwords it is told.
//!
//! ```text
//! mariadbd ── auth_pam ── /etc/pam.d/SERVICE ── pam_exec ── check ── DIRECTORY/USER
//! ```

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::LiveError;

/// A service of PAM with users and passwords of its own, which goes when this is dropped. Accounts
/// are `IDENTIFIED VIA pam USING` its [`name`](Self::name).
#[derive(Debug)]
pub struct PamService {
    name: String,
    directory: TempDir,
}

impl PamService {
    /// A service without users, or `None` if PAM is to be left out.
    ///
    /// # Panics
    /// For everyone but root, to whom the services of PAM belong, unless `OTARIA_WITHOUT_PAM` is
    /// set: a test does not pass by not running.
    pub fn for_test() -> Option<Self> {
        if env::var_os(WITHOUT_PAM).is_some() {
            println!("left out by {WITHOUT_PAM}: PAM");
            return None;
        }
        let service = Self::new();
        Some(service.unwrap_or_else(|error| {
            panic!("no PAM, be root or set {WITHOUT_PAM} to leave it out: {error:?}")
        }))
    }

    fn new() -> Result<Self, LiveError> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        remove_orphans()?;
        let directory = tempfile::Builder::new().prefix("otaria-pam-").tempdir()?;
        let check = directory.path().join("check");
        fs::write(&check, CHECK)?;
        fs::set_permissions(&check, fs::Permissions::from_mode(0o700))?;
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{count}", process::id());
        let check = check.display();
        let lines = format!(
            "auth required pam_exec.so quiet expose_authtok {check}\n\
             account required pam_permit.so\n"
        );
        fs::write(Path::new(SERVICES).join(&name), lines)?;
        Ok(Self { name, directory })
    }

    /// What accounts call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes `password` from `user` from now on.
    ///
    /// # Errors
    /// [`LiveError::Room`] if that cannot be kept.
    pub fn set_password(&self, user: &str, password: &str) -> Result<(), LiveError> {
        let path = self.directory.path().join(format!("user-{user}"));
        Ok(fs::write(path, password)?)
    }
}

impl Drop for PamService {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(Path::new(SERVICES).join(&self.name)) {
            eprintln!("the PAM service {} stays: {error}", self.name);
        }
    }
}

/// Removes the services of processes that were killed.
fn remove_orphans() -> io::Result<()> {
    for entry in fs::read_dir(SERVICES)? {
        let name = entry?.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let process = process.and_then(|rest| rest.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            // Another process may be at it too.
            let _ = fs::remove_file(Path::new(SERVICES).join(&name));
        }
    }
    Ok(())
}

/// The variable that leaves PAM out.
const WITHOUT_PAM: &str = "OTARIA_WITHOUT_PAM";

/// Gets the password on its standard input, with a NUL behind it, and the user as `PAM_USER`.
const CHECK: &str = r#"#!/bin/sh
given=$(tr -d '\0')
known=$(cat "${0%/*}/user-$PAM_USER") && [ "$given" = "$known" ]
"#;

/// Where PAM looks for its services.
const SERVICES: &str = "/etc/pam.d";

const PREFIX: &str = "otaria-test-";
