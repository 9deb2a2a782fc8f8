//! The authentication plugins of a configuration.

use std::sync::Arc;

use otaria_auth::{ClearPassword, Dialog, PluginRegistry};

use super::settings::Authentication;

/// Those that the configuration allows.
pub(super) fn allowed(authentication: &Authentication) -> PluginRegistry {
    let all = unrestricted(authentication);
    match &authentication.restrict_auth {
        Some(names) => all.restricted_to(names),
        None => all,
    }
}

/// Those that there are, whatever the configuration restricts itself to.
pub(super) fn unrestricted(authentication: &Authentication) -> PluginRegistry {
    let mut built_in = PluginRegistry::default();
    if authentication.clear_password {
        built_in = built_in
            .with(Arc::new(ClearPassword))
            .with(Arc::new(Dialog));
    }
    let added = authentication.plugins.iter();
    added.fold(built_in, |registry, factory| {
        registry.with(Arc::clone(factory))
    })
}
