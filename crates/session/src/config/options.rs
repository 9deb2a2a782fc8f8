//! Settings by their names, as URLs and files give them.

mod table;
mod value;

use std::path::PathBuf;

use super::endpoint::{DEFAULT_HOST, DEFAULT_PORT};
use super::settings::Settings;
use super::{ConfigBuilder, Endpoint, SslMode};
use crate::ConfigError;
use table::{Known, LOGIN, Set};
use value::boolean;

/// Takes options by name, one after another, and makes a [`ConfigBuilder`] of them.
pub(crate) struct Options {
    settings: Settings,
    source: Source,
    given: Vec<&'static str>,
    place: Place,
    requirements: Requirements,
    compression: Compression,
}

/// Where options come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// The query of a URL. Who logs in where is told by the rest of it.
    Url,
    /// A map, such as a part of a program's own configuration.
    #[cfg(feature = "serde")]
    Map,
    /// Option files or the environment: what is given later counts.
    File,
}

/// Where the server is, as files tell it. A socket stands for the host `localhost`.
#[derive(Clone, Debug, Default)]
struct Place {
    hosts: Vec<(String, Option<u16>)>,
    port: Option<u16>,
    socket: Option<PathBuf>,
    protocol: Option<Protocol>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Protocol {
    Tcp,
    Socket,
}

/// What some drivers say by three switches in place of a mode.
#[derive(Clone, Copy, Debug, Default)]
struct Requirements {
    require_ssl: Option<bool>,
    verify_ca: Option<bool>,
    verify_identity: Option<bool>,
    /// Whether the first of them is the one that also means that there is to be no TLS.
    disables: bool,
}

/// Where any of them is given, packets are compressed, unless `on` says no.
#[derive(Clone, Copy, Debug, Default)]
struct Compression {
    on: Option<bool>,
    /// By zstd; else by zlib.
    zstd: Option<bool>,
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
            place: Place::default(),
            requirements: Requirements::default(),
            compression: Compression::default(),
        }
    }

    /// Sets one option by its name or by a name that it has elsewhere; `None` is a name without a
    /// value, which switches on. Names are compared without case, `-` and `_`.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), ConfigError> {
        let plain = plain(name);
        if let Some(known) = table::find(&plain) {
            return self.set_known(known, value);
        }
        // MariaDB's programs take such names in files.
        let negated = ["skip", "disable"]
            .iter()
            .find_map(|prefix| plain.strip_prefix(prefix).and_then(find_switch));
        let enabled = plain.strip_prefix("enable").and_then(find_switch);
        match (negated, enabled, value) {
            (Some(known), _, None) if self.source == Source::File => {
                self.set_known(known, Some("false"))
            }
            (_, Some(known), None) if self.source == Source::File => {
                self.set_known(known, Some("true"))
            }
            _ => Err(Self::unknown(name)),
        }
    }

    /// The error for an option that does not exist.
    pub(crate) fn unknown(name: &str) -> ConfigError {
        ConfigError::UnknownOption {
            option: shown(name),
            nearest: nearest(&plain(&shown(name))),
        }
    }

    fn set_known(&mut self, known: &'static Known, value: Option<&str>) -> Result<(), ConfigError> {
        let option = known.name;
        let expected = |expected| ConfigError::InvalidOption { option, expected };
        if self.source == Source::Url && LOGIN.contains(&option) {
            return Err(expected(
                "in front of the options, as in mariadb://user:password@host:port/database",
            ));
        }
        let adds_or_replaces = self.source == Source::File || option == INIT_COMMAND;
        if self.given.contains(&option) && !adds_or_replaces {
            return Err(expected("given once"));
        }
        if !self.given.contains(&option) {
            self.given.push(option);
        }
        match (&known.set, value) {
            (Set::Switch(set), None) if self.source == Source::File => {
                set(self, true);
                Ok(())
            }
            (Set::Value(set), Some("")) if self.may_be_empty(option) => {
                set(self, "").map_err(expected)
            }
            (_, None | Some("")) => Err(expected("followed by = and a value")),
            (Set::Switch(set), Some(value)) => {
                set(self, boolean(value).map_err(expected)?);
                Ok(())
            }
            (Set::Value(set), Some(value)) => set(self, value).map_err(expected),
        }
    }

    /// Whether an empty value of `option` is one. MariaDB's programs take an empty user from files.
    fn may_be_empty(&self, option: &str) -> bool {
        option == "password" || option == "user" && self.source == Source::File
    }

    /// The builder with all options in it.
    pub(crate) fn finish(mut self) -> Result<ConfigBuilder, ConfigError> {
        self.apply_place()?;
        self.apply_requirements()?;
        self.apply_compression()?;
        Ok(ConfigBuilder {
            settings: self.settings,
        })
    }

    /// Makes endpoints of hosts, port and socket.
    fn apply_place(&mut self) -> Result<(), ConfigError> {
        let Place {
            hosts,
            port,
            socket,
            protocol,
        } = std::mem::take(&mut self.place);
        if self.source == Source::Url && socket.is_some() && self.settings.endpoints.len() > 1 {
            return Err(ConfigError::InvalidOption {
                option: "socket",
                expected: "left out where several hosts are given",
            });
        }
        let is_local = hosts.iter().all(|(host, _)| host == DEFAULT_HOST);
        let takes_socket = match protocol {
            Some(Protocol::Tcp) => false,
            Some(Protocol::Socket) => true,
            None => is_local,
        };
        match socket {
            Some(path) if takes_socket => self.settings.set_socket(&path),
            None if protocol == Some(Protocol::Socket) => {
                return Err(ConfigError::InvalidOption {
                    option: "socket",
                    expected: "given where protocol is socket",
                });
            }
            _ if hosts.is_empty() => {
                if let Some(port) = port {
                    self.settings.set_port(port);
                }
            }
            _ => {
                let default_port = port.unwrap_or(DEFAULT_PORT);
                let endpoint = |(host, port): (String, Option<u16>)| Endpoint::Tcp {
                    host,
                    port: port.unwrap_or(default_port),
                };
                self.settings.endpoints = hosts.into_iter().map(endpoint).collect();
            }
        }
        Ok(())
    }

    /// Makes a mode of the switches.
    fn apply_requirements(&mut self) -> Result<(), ConfigError> {
        let Requirements {
            require_ssl,
            verify_ca,
            verify_identity,
            disables,
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
        let tls = &self.settings.tls;
        let names_proof = tls.ca.is_some() || !tls.fingerprints.is_empty();
        let wants_proof = verify_ca == Some(true) || verify_identity == Some(true);
        let mode = match require_ssl {
            Some(false) if wants_proof => {
                return Err(ConfigError::InvalidOption {
                    option: "require_ssl",
                    expected: "true where a certificate is to be verified",
                });
            }
            Some(false) if disables => SslMode::Disable,
            // Nothing is said of a server that offers TLS.
            Some(false) => return Ok(()),
            // No proof is named that the switches could say less of.
            None if !wants_proof && !names_proof => return Ok(()),
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
            zstd,
            level,
            threshold,
        } = self.compression;
        let is_implied = zstd.is_some() || level.is_some() || threshold.is_some();
        let Some(is_on) = on.or_else(|| is_implied.then_some(true)) else {
            return Ok(());
        };
        if is_on && !cfg!(feature = "compression") {
            return Err(ConfigError::FeatureNeeded {
                option: "compression",
                feature: "compression",
            });
        }
        if zstd != Some(true) && level.is_some_and(|level| level > MAX_ZLIB_LEVEL) {
            return Err(ConfigError::InvalidOption {
                option: "compression_level",
                expected: "a number from 0 to 9",
            });
        }
        if is_on && zstd == Some(true) && !cfg!(feature = "zstd") {
            return Err(ConfigError::FeatureNeeded {
                option: "compression_algorithm",
                feature: "zstd",
            });
        }
        #[cfg(feature = "compression")]
        {
            let mut compression = crate::Compression::default();
            #[cfg(feature = "zstd")]
            if zstd == Some(true) {
                compression.algorithm = crate::CompressionAlgorithm::Zstd;
            }
            compression.level = level.unwrap_or(compression.level);
            compression.threshold = threshold.unwrap_or(compression.threshold);
            self.settings.compression = is_on.then_some(compression);
        }
        Ok(())
    }
}

const MAX_ZLIB_LEVEL: u32 = 9;

/// Whether the option `name` adds to those of its name given before.
#[cfg(feature = "serde")]
pub(super) fn may_repeat(name: &str) -> bool {
    table::find(&plain(name)).is_some_and(|known| known.name == INIT_COMMAND)
}

/// What an error may show of a name: `password:secret` is one in which a secret follows.
pub(super) fn shown(name: &str) -> String {
    let belongs = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    match name.find(|character| !belongs(character)) {
        Some(end) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

/// The name without what does not count.
fn plain(name: &str) -> String {
    plain_characters(name).collect()
}

fn plain_characters(name: &str) -> impl Iterator<Item = char> {
    let counts = |character: &char| !matches!(character, '-' | '_');
    let characters = name.chars().filter(counts);
    characters.map(|character| character.to_ascii_lowercase())
}

fn find_switch(plain: &str) -> Option<&'static Known> {
    table::find(plain).filter(|known| matches!(known.set, Set::Switch(_)))
}

fn nearest(name: &str) -> &'static str {
    // What is longer than any name is like none of them, and takes long to compare.
    let name: String = name.chars().take(LONGEST_NAME).collect();
    table::known()
        .flat_map(Known::names)
        .map(|known| {
            (
                strsim::normalized_damerau_levenshtein(&plain(known), &name),
                known,
            )
        })
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map_or("connect_timeout", |(_, known)| known)
}

/// No option has a longer name.
const LONGEST_NAME: usize = 40;
const INIT_COMMAND: &str = "init_command";

#[cfg(test)]
mod tests;
