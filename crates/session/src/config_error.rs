/// A configuration that cannot be used. Values are never shown: one may be a secret in the wrong
/// place.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The text is not a URL.
    #[error("not a URL of the form mariadb://user:password@host:port/database: {reason}")]
    InvalidUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The URL has an option that does not exist.
    #[error("unknown option `{option}`; did you mean `{nearest}`?")]
    UnknownOption {
        /// The option's name.
        option: String,
        /// The known option whose name is most like it.
        nearest: &'static str,
    },
    /// A setting has a value that it cannot have.
    #[error("`{option}` must be {expected}")]
    InvalidOption {
        /// The setting's name.
        option: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A setting asks for what this build of the driver leaves out.
    #[error("`{option}` needs the feature `{feature}` of the driver")]
    FeatureNeeded {
        /// The setting's name.
        option: &'static str,
        /// The cargo feature.
        feature: &'static str,
    },
}
