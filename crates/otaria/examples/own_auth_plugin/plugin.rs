//! The plugin itself. A test of the driver logs in by it.

use otaria::{
    AuthError, AuthPlugin, AuthPluginFactory, AuthStep, Channel, Password, PayloadWriter,
};
use sha1::{Digest, Sha1};

/// `mysql_native_password` by the SHA-1 of the password.
#[derive(Clone)]
pub(crate) struct NativePasswordOfHash {
    pub(crate) sha1_of_password: [u8; 20],
}

impl AuthPluginFactory for NativePasswordOfHash {
    fn name(&self) -> &'static str {
        "mysql_native_password"
    }

    /// What is sent is a hash of a number that the server has just made up: it can be used once.
    fn needs_proven_channel(&self) -> bool {
        false
    }

    /// Called when the server asks for the plugin. The configuration's password is not needed.
    fn start(&self, _: &Password, _: &[u8; 32]) -> Box<dyn AuthPlugin> {
        Box::new(self.clone())
    }
}

impl AuthPlugin for NativePasswordOfHash {
    fn respond(
        &mut self,
        data: &[u8],
        _: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        // A NUL follows the scramble.
        let scramble = data
            .first_chunk::<20>()
            .ok_or_else(|| AuthError::ScrambleTooShort {
                plugin: self.name().to_owned(),
                expected: 20,
                found: data.len(),
            })?;
        let stored = Sha1::digest(self.sha1_of_password);
        let mask = Sha1::new().chain_update(scramble).chain_update(stored);
        let masked: Vec<u8> = (self.sha1_of_password.iter().zip(mask.finalize()))
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        out.bytes(&masked);
        Ok(AuthStep::Respond)
    }

    /// What a server of 11.4 or newer proves itself by, where its certificate does not.
    fn server_proof_hash(&self) -> Option<&[u8]> {
        None
    }
}

/// Shows no secret.
impl std::fmt::Debug for NativePasswordOfHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativePasswordOfHash")
            .finish_non_exhaustive()
    }
}
