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
        /// The option's name, up to the first character that is in no name: what follows may be a
        /// secret.
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
    /// A line of an option file cannot be used.
    #[error("line {line} of the option file {}", file.display())]
    OptionFile {
        /// The path of the file.
        file: std::path::PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// A line is not in the form of option files.
    #[error("no line of an option file: {reason}")]
    InvalidLine {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An environment variable cannot be used.
    #[error("the environment variable {name}")]
    Variable {
        /// The variable's name.
        name: String,
        /// What is wrong with its value.
        source: Box<Self>,
    },
    /// No environment variable says where a server is.
    #[error("no environment variable such as MARIADB_URL or MARIADB_HOST is set")]
    NoVariables,
    /// A value is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
}
