use otaria_codec::PayloadWriter;
use zeroize::Zeroizing;

use super::ServerProof;
use super::opening::Opening;
use crate::plugin::NATIVE_PASSWORD;
use crate::{AuthError, AuthPlugin, AuthPluginFactory, AuthStep, Channel, LoginConfig};

/// What a login says to the scramble of the greeting. A guess: the server has not looked up the
/// account, and asks for a switch where the account has another plugin.
pub(super) struct FirstResponse<'a> {
    pub(super) plugin: Option<Box<dyn AuthPlugin>>,
    pub(super) plugin_name: &'a str,
    pub(super) response: Zeroizing<Vec<u8>>,
}

impl<'a> FirstResponse<'a> {
    /// The response of the plugin that the greeting names. Where that may not run here, or has
    /// nothing to say to the greeting's scramble, it is that of `mysql_native_password`, and
    /// where that may not run either, an empty one.
    pub(super) fn new(
        login: &'a LoginConfig,
        opening: &mut Opening,
        proof: ServerProof,
        channel: Channel,
    ) -> Self {
        let nonce = opening.nonces.take();
        for name in [opening.auth_plugin.as_str(), NATIVE_PASSWORD] {
            let factory = login.plugins.find(name);
            let Some(factory) = factory.filter(|factory| may_run(*factory, proof, channel).is_ok())
            else {
                continue;
            };
            let mut plugin = factory.start(&login.password, &nonce);
            let mut response = Zeroizing::new(Vec::new());
            let mut out = PayloadWriter::new(&mut response);
            match plugin.respond(&opening.scramble, channel, &mut out) {
                Ok(AuthStep::Respond) => {}
                Ok(AuthStep::Wait) => response.clear(),
                // Such as a plugin that needs a longer scramble. If it is the account's, the
                // server asks for it again.
                Ok(AuthStep::Prompt(_) | AuthStep::Derive(_)) | Err(_) => continue,
            }
            return Self {
                plugin: Some(plugin),
                plugin_name: factory.name(),
                response,
            };
        }
        Self {
            plugin: None,
            plugin_name: NATIVE_PASSWORD,
            response: Zeroizing::default(),
        }
    }

    /// Refuses a response that is longer than `limit` bytes.
    pub(super) fn check_length(&self, limit: usize) -> Result<(), AuthError> {
        if self.response.len() > limit {
            return Err(AuthError::ResponseTooLong {
                plugin: self.plugin_name.to_owned(),
                limit,
            });
        }
        Ok(())
    }
}

/// Whether a plugin may see the password here.
pub(super) fn may_run(
    factory: &dyn AuthPluginFactory,
    proof: ServerProof,
    channel: Channel,
) -> Result<(), AuthError> {
    let plugin = || factory.name().to_owned();
    if proof.is_required() && !factory.can_prove_server() {
        return Err(AuthError::PluginProvesNothing { plugin: plugin() });
    }
    if factory.needs_proven_channel() && !channel.is_proven() {
        return Err(AuthError::UnprovenChannel { plugin: plugin() });
    }
    Ok(())
}
