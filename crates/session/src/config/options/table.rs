//! The options that there are.

use super::Options;
use super::value::{boolean, bytes, duration, list};
use crate::config::tls::{FINGERPRINT, MODES};

/// An option and how it is set.
pub(super) struct Known {
    /// Its name, that of the method of the builder.
    pub(super) name: &'static str,
    /// Its names in other drivers, and in option files.
    aliases: &'static [&'static str],
    /// Sets it, or says what the value should have been.
    pub(super) set: fn(&mut Options, &str) -> Result<(), &'static str>,
}

impl Known {
    /// Whether `plain`, a name without case, `-` and `_`, is one of its names.
    pub(super) fn is_called(&self, plain: &str) -> bool {
        self.names().any(|name| super::plain(name) == plain)
    }

    /// Its name, and the others.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.name].into_iter().chain(self.aliases.iter().copied())
    }
}

/// Those that a URL gives in front of its options.
pub(super) const LOGIN: [&str; 5] = ["user", "password", "host", "port", "database"];

pub(super) const KNOWN: &[Known] = &[
    Known {
        name: "user",
        aliases: &["username"],
        set: |options, value| {
            value.clone_into(&mut options.settings.user);
            Ok(())
        },
    },
    Known {
        name: "password",
        aliases: &[],
        set: |options, value| {
            options.settings.password = value.into();
            Ok(())
        },
    },
    Known {
        name: "host",
        aliases: &["hostname"],
        set: |options, value| {
            options.settings.set_host(value);
            Ok(())
        },
    },
    Known {
        name: "port",
        aliases: &[],
        set: |options, value| {
            let port = value.parse().map_err(|_| "a number from 1 to 65535")?;
            options.settings.set_port(port);
            Ok(())
        },
    },
    Known {
        name: "database",
        aliases: &["dbname", "schema"],
        set: |options, value| {
            options.settings.database = Some(value.to_owned());
            Ok(())
        },
    },
    Known {
        name: "socket",
        aliases: &["unix_socket", "localSocket"],
        set: |options, value| {
            options.settings.set_socket(value.as_ref());
            Ok(())
        },
    },
    Known {
        name: "connect_timeout",
        aliases: &[],
        set: |options, value| {
            options.settings.connect_timeout = duration(value)?;
            Ok(())
        },
    },
    Known {
        name: "io_timeout",
        aliases: &[],
        set: |options, value| {
            options.settings.io_timeout = duration(value)?;
            Ok(())
        },
    },
    Known {
        name: "drain_timeout",
        aliases: &[],
        set: |options, value| {
            options.settings.drain_timeout = duration(value)?.unwrap_or_default();
            Ok(())
        },
    },
    Known {
        name: "tcp_keepalive",
        aliases: &[],
        set: |options, value| {
            options.settings.tcp_keepalive = duration(value)?;
            Ok(())
        },
    },
    Known {
        name: "tcp_nodelay",
        aliases: &[],
        set: |options, value| {
            options.settings.tcp_nodelay = boolean(value)?;
            Ok(())
        },
    },
    Known {
        name: "init_command",
        aliases: &["initSql"],
        set: |options, value| {
            options.settings.init_commands.push(value.to_owned());
            Ok(())
        },
    },
    Known {
        name: "found_rows",
        aliases: &["client_found_rows"],
        set: |options, value| {
            options.settings.found_rows = boolean(value)?;
            Ok(())
        },
    },
    Known {
        name: "multi_statements",
        aliases: &["allowMultiQueries"],
        set: |options, value| {
            options.settings.multi_statements = boolean(value)?;
            Ok(())
        },
    },
    Known {
        name: "local_infile",
        aliases: &["allowLocalInfile"],
        set: |options, value| {
            options.settings.local_infile = boolean(value)?;
            Ok(())
        },
    },
    Known {
        name: "max_payload_bytes",
        aliases: &["max_allowed_packet"],
        set: |options, value| {
            options.settings.max_payload_bytes = bytes(value)?;
            Ok(())
        },
    },
    Known {
        name: "program_name",
        aliases: &[],
        set: |options, value| {
            options.settings.set_attribute("program_name", value);
            Ok(())
        },
    },
    Known {
        name: "compression",
        aliases: &["compress", "useCompression"],
        set: |options, value| {
            options.compression.on = Some(boolean(value)?);
            Ok(())
        },
    },
    Known {
        name: "compression_level",
        aliases: &[],
        set: |options, value| {
            let level = value.parse().ok().filter(|level| *level <= 9);
            options.compression.level = Some(level.ok_or("a number from 0 to 9")?);
            Ok(())
        },
    },
    Known {
        name: "compression_threshold",
        aliases: &[],
        set: |options, value| {
            options.compression.threshold = Some(bytes(value)?);
            Ok(())
        },
    },
    Known {
        name: "charset",
        aliases: &[
            "character_set",
            "default_character_set",
            "characterEncoding",
        ],
        set: |_, value| {
            let is_known = value.eq_ignore_ascii_case("utf8mb4");
            is_known
                .then_some(())
                .ok_or("utf8mb4, for no text is exchanged in another character set")
        },
    },
    Known {
        name: "collation",
        aliases: &["connectionCollation"],
        set: |options, value| {
            options.settings.collation = Some(value.to_owned());
            Ok(())
        },
    },
    Known {
        name: "time_zone",
        aliases: &[],
        set: |options, value| {
            options.settings.time_zone = Some(value.to_owned());
            Ok(())
        },
    },
    Known {
        name: "max_statement_time",
        aliases: &[],
        set: |options, value| {
            options.settings.max_statement_time = duration(value)?;
            Ok(())
        },
    },
    Known {
        name: "ssl_mode",
        aliases: &["tls"],
        set: |options, value| {
            options.settings.tls.mode = Some(value.parse().map_err(|_| MODES)?);
            Ok(())
        },
    },
    Known {
        name: "require_ssl",
        aliases: &["ssl"],
        set: |options, value| {
            options.requirements.require_ssl = Some(boolean(value)?);
            Ok(())
        },
    },
    Known {
        name: "verify_ca",
        aliases: &["ssl_verify_server_cert"],
        set: |options, value| {
            options.requirements.verify_ca = Some(boolean(value)?);
            Ok(())
        },
    },
    Known {
        name: "verify_identity",
        aliases: &[],
        set: |options, value| {
            options.requirements.verify_identity = Some(boolean(value)?);
            Ok(())
        },
    },
    Known {
        name: "ssl_ca",
        aliases: &["tls_ca"],
        set: |options, value| {
            options.settings.tls.ca = Some(value.into());
            Ok(())
        },
    },
    Known {
        name: "ssl_cert",
        aliases: &["tls_cert"],
        set: |options, value| {
            options.settings.tls.cert = Some(value.into());
            Ok(())
        },
    },
    Known {
        name: "ssl_key",
        aliases: &["tls_key"],
        set: |options, value| {
            options.settings.tls.key = Some(value.into());
            Ok(())
        },
    },
    Known {
        name: "ssl_fingerprint",
        aliases: &["ssl_fp", "tls_fp", "tls_peer_fp"],
        set: |options, value| {
            let fingerprints: Result<_, _> = list(value).map(str::parse).collect();
            options.settings.tls.fingerprints = fingerprints.map_err(|_| FINGERPRINT)?;
            Ok(())
        },
    },
    Known {
        name: "ssl_resumption",
        aliases: &[],
        set: |options, value| {
            options.settings.tls.resumption = boolean(value)?;
            Ok(())
        },
    },
    Known {
        name: "disable_tls_resumption",
        aliases: &[],
        set: |options, value| {
            options.settings.tls.resumption = !boolean(value)?;
            Ok(())
        },
    },
    Known {
        name: "clear_password",
        aliases: &["enable_cleartext_plugin", "allowCleartextPasswords"],
        set: |options, value| {
            options.settings.authentication.clear_password = boolean(value)?;
            Ok(())
        },
    },
    Known {
        name: "public_key_retrieval",
        aliases: &["allowPublicKeyRetrieval", "get_server_public_key"],
        set: |options, value| {
            options.settings.authentication.public_key_retrieval = boolean(value)?;
            Ok(())
        },
    },
    Known {
        name: "server_public_key",
        aliases: &["serverRsaPublicKeyFile", "server_public_key_path"],
        set: |options, value| {
            options.settings.authentication.server_public_key = Some(value.into());
            Ok(())
        },
    },
    Known {
        name: "expired_password",
        aliases: &["connect_expired_password"],
        set: |options, value| {
            options.settings.authentication.expired_password = boolean(value)?;
            Ok(())
        },
    },
    Known {
        name: "restrict_auth",
        aliases: &["restrictedAuth"],
        set: |options, value| {
            let names = list(value).map(str::to_owned).collect();
            options.settings.authentication.restrict_auth = Some(names);
            Ok(())
        },
    },
];
