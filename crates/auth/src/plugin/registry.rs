use std::sync::Arc;

use super::{
    AuthPluginFactory, CachingSha2Password, Ed25519, NativePassword, Parsec, Sha256Password,
};

/// The plugins that a client is willing to run.
#[derive(Clone, Debug)]
pub struct PluginRegistry {
    factories: Vec<Arc<dyn AuthPluginFactory>>,
}

impl PluginRegistry {
    /// No plugin at all.
    pub const fn empty() -> Self {
        Self {
            factories: Vec::new(),
        }
    }

    /// Adds a plugin, in place of one of the same name.
    #[must_use]
    pub fn with(self, factory: Arc<dyn AuthPluginFactory>) -> Self {
        let mut registry = self.without(factory.name());
        registry.factories.push(factory);
        registry
    }

    /// Takes a plugin out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.factories.retain(|factory| factory.name() != name);
        self
    }

    /// Takes out all plugins but those of these names.
    #[must_use]
    pub fn restricted_to<S: AsRef<str>>(mut self, names: &[S]) -> Self {
        let is_named = |factory: &Arc<dyn AuthPluginFactory>| {
            names.iter().any(|name| name.as_ref() == factory.name())
        };
        self.factories.retain(is_named);
        self
    }

    /// The plugin called `name`.
    pub fn find(&self, name: &str) -> Option<&dyn AuthPluginFactory> {
        let mut factories = self.factories.iter();
        let factory = factories.find(|factory| factory.name() == name)?;
        Some(factory.as_ref())
    }
}

impl Default for PluginRegistry {
    /// The built-in plugins less those that do nothing but reveal the password
    /// ([`ClearPassword`](crate::ClearPassword), [`Dialog`](crate::Dialog)).
    fn default() -> Self {
        Self::empty()
            .with(Arc::new(NativePassword))
            .with(Arc::new(Ed25519))
            .with(Arc::new(Parsec::default()))
            .with(Arc::new(CachingSha2Password::default()))
            .with(Arc::new(Sha256Password::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Clear;

    #[test]
    fn a_plugin_is_found_by_its_name_and_only_by_it() {
        let registry = PluginRegistry::default();
        for name in [
            "mysql_native_password",
            "client_ed25519",
            "parsec",
            "caching_sha2_password",
            "sha256_password",
        ] {
            assert_eq!(registry.find(name).unwrap().name(), name);
        }
        for name in [
            "",
            "mysql_native_passwor",
            "MYSQL_NATIVE_PASSWORD",
            "dialog",
        ] {
            assert!(registry.find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_restricted_registry_has_the_named_plugins_only() {
        let registry = PluginRegistry::default().restricted_to(&["client_ed25519", "other"]);
        assert!(registry.find("client_ed25519").is_some());
        assert_eq!(registry.factories.len(), 1);
    }

    #[test]
    fn a_plugin_of_the_same_name_takes_the_place_of_the_first() {
        let registry = PluginRegistry::empty()
            .with(Arc::new(NativePassword))
            .with(Arc::new(Ed25519))
            .with(Arc::new(Clear::new("mysql_native_password")))
            .without("client_ed25519");
        let found = registry.find("mysql_native_password").unwrap();
        assert!(found.needs_proven_channel());
        assert_eq!(registry.factories.len(), 1);
    }
}
