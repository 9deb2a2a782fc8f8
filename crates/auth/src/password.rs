use std::fmt::{self, Debug, Formatter};

use zeroize::Zeroizing;

/// A password: never shown, and overwritten when it is dropped.
#[derive(Clone, Default)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// A password of any bytes. The server hashes them as they are, whatever the character set.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The password itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is no password, which is something else than a wrong one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Debug for Password {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password").finish_non_exhaustive()
    }
}

impl From<&str> for Password {
    fn from(password: &str) -> Self {
        Self::new(password.as_bytes().to_vec())
    }
}

impl From<String> for Password {
    fn from(password: String) -> Self {
        Self::new(password.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?}", Password::from("secret")), "Password { .. }");
    }
}
