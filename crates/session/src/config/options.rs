//! Settings by their names, as URLs and files give them.

mod table;
mod value;

use super::settings::Settings;
use super::{ConfigBuilder, SslMode};
use crate::ConfigError;
use table::{KNOWN, LOGIN};

/// Takes options by name, one after another, and makes a [`ConfigBuilder`] of them.
pub(crate) struct Options {
    settings: Settings,
    source: Source,
    given: Vec<&'static str>,
    requirements: Requirements,
    compression: Compression,
}

/// Where options come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// The query of a URL. Who logs in where is told by the rest of it.
    Url,
}

/// What some drivers say by three switches in place of a mode.
#[derive(Clone, Copy, Debug, Default)]
struct Requirements {
    require_ssl: Option<bool>,
    verify_ca: Option<bool>,
    verify_identity: Option<bool>,
}

/// Where any of them is given, packets are compressed, unless `on` says no.
#[derive(Clone, Copy, Debug, Default)]
struct Compression {
    on: Option<bool>,
    level: Option<u32>,
    threshold: Option<usize>,
}

impl Options {
    /// No options yet; what none says is as in `builder`.
    pub(crate) fn new(builder: ConfigBuilder, source: Source) -> Self {
        Self {
            settings: builder.settings,
            source,
            given: Vec::new(),
            requirements: Requirements::default(),
            compression: Compression::default(),
        }
    }

    /// Sets one option by its name or by a name that it has elsewhere. Names are compared without
    /// case, `-` and `_`.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        let plain = plain(name);
        let Some(known) = KNOWN.iter().find(|known| known.is_called(&plain)) else {
            return Err(ConfigError::UnknownOption {
                option: name.to_owned(),
                nearest: nearest(&plain),
            });
        };
        let option = known.name;
        let expected = |expected| ConfigError::InvalidOption { option, expected };
        if self.source == Source::Url && LOGIN.contains(&option) {
            return Err(expected(
                "in front of the options, as in mariadb://user:password@host:port/database",
            ));
        }
        if self.given.contains(&option) && option != "init_command" {
            return Err(expected("given once"));
        }
        self.given.push(option);
        if value.is_empty() {
            return Err(expected("followed by = and a value"));
        }
        (known.set)(self, value).map_err(expected)
    }

    /// The builder with all options in it.
    pub(crate) fn finish(mut self) -> Result<ConfigBuilder, ConfigError> {
        self.apply_requirements()?;
        self.apply_compression()?;
        Ok(ConfigBuilder {
            settings: self.settings,
        })
    }

    /// Makes a mode of the switches.
    fn apply_requirements(&mut self) -> Result<(), ConfigError> {
        let Requirements {
            require_ssl,
            verify_ca,
            verify_identity,
        } = self.requirements;
        let given = [
            ("require_ssl", require_ssl),
            ("verify_ca", verify_ca),
            ("verify_identity", verify_identity),
        ];
        let Some((option, _)) = given.iter().find(|(_, given)| given.is_some()) else {
            return Ok(());
        };
        if self.given.contains(&"ssl_mode") {
            return Err(ConfigError::InvalidOption {
                option,
                expected: "left out where ssl_mode is given",
            });
        }
        let wants_proof = verify_ca == Some(true) || verify_identity == Some(true);
        let mode = match require_ssl {
            Some(false) if wants_proof => {
                return Err(ConfigError::InvalidOption {
                    option: "require_ssl",
                    expected: "true where a certificate is to be verified",
                });
            }
            // Nothing is said of a server that offers no TLS.
            Some(false) => return Ok(()),
            None if !wants_proof => return Ok(()),
            _ if verify_ca == Some(false) => SslMode::Trust,
            _ if verify_identity == Some(false) => SslMode::VerifyCa,
            _ => SslMode::VerifyFull,
        };
        self.settings.tls.mode = Some(mode);
        Ok(())
    }

    fn apply_compression(&mut self) -> Result<(), ConfigError> {
        let Compression {
            on,
            level,
            threshold,
        } = self.compression;
        let is_implied = level.is_some() || threshold.is_some();
        let Some(is_on) = on.or_else(|| is_implied.then_some(true)) else {
            return Ok(());
        };
        if is_on && !cfg!(feature = "compression") {
            return Err(ConfigError::FeatureNeeded {
                option: "compression",
                feature: "compression",
            });
        }
        #[cfg(feature = "compression")]
        {
            let mut compression = crate::Compression::default();
            compression.level = level.unwrap_or(compression.level);
            compression.threshold = threshold.unwrap_or(compression.threshold);
            self.settings.compression = is_on.then_some(compression);
        }
        Ok(())
    }
}

/// The name without what does not count.
fn plain(name: &str) -> String {
    let counts = |character: &char| !matches!(character, '-' | '_');
    let characters = name.chars().filter(counts);
    characters.map(|c| c.to_ascii_lowercase()).collect()
}

fn nearest(name: &str) -> &'static str {
    KNOWN
        .iter()
        .flat_map(table::Known::names)
        .map(|known| {
            (
                strsim::normalized_damerau_levenshtein(&plain(known), name),
                known,
            )
        })
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map_or("connect_timeout", |(_, known)| known)
}

#[cfg(test)]
mod tests;
