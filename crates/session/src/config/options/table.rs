//! The options that there are.

use super::value::{
    bytes, cancel_policy, duration, host_order, hosts, list, role, timeout, zero_dates,
};
use super::{Options, Protocol};
use crate::config::tls::{FINGERPRINT, MODES};

/// An option and how it is set.
pub(super) struct Known {
    /// Its name, that of the method of the builder.
    pub(super) name: &'static str,
    /// Its names in other drivers, and in option files.
    aliases: &'static [&'static str],
    pub(super) set: Set,
}

/// How an option is set.
pub(super) enum Set {
    /// One that is on or off.
    Switch(fn(&mut Options, bool)),
    /// One with a value; an error is what the value should have been.
    Value(fn(&mut Options, &str) -> Result<(), &'static str>),
}

impl Known {
    /// Whether `plain`, a name without case, `-` and `_`, is one of its names.
    pub(super) fn is_called(&self, plain: &str) -> bool {
        self.names()
            .any(|name| super::plain_characters(name).eq(plain.chars()))
    }

    /// Its name, and the others.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.name].into_iter().chain(self.aliases.iter().copied())
    }
}

const fn switch(
    name: &'static str,
    aliases: &'static [&'static str],
    set: fn(&mut Options, bool),
) -> Known {
    let set = Set::Switch(set);
    Known { name, aliases, set }
}

const fn value(
    name: &'static str,
    aliases: &'static [&'static str],
    set: fn(&mut Options, &str) -> Result<(), &'static str>,
) -> Known {
    let set = Set::Value(set);
    Known { name, aliases, set }
}

/// Those that a URL gives in front of its options.
pub(super) const LOGIN: [&str; 6] = ["user", "password", "host", "port", "database", "protocol"];

/// The option called `plain`.
pub(super) fn find(plain: &str) -> Option<&'static Known> {
    known().find(|known| known.is_called(plain))
}

pub(super) fn known() -> impl Iterator<Item = &'static Known> {
    [WHERE, HOW, SESSION, TLS, AUTHENTICATION]
        .into_iter()
        .flatten()
}

const WHERE: &[Known] = &[
    value("user", &["username"], |options, value| {
        value.clone_into(&mut options.settings.user);
        Ok(())
    }),
    value("password", &[], |options, value| {
        options.settings.password = value.into();
        Ok(())
    }),
    value("host", &["hostname"], |options, value| {
        options.place.hosts = hosts(value)?;
        Ok(())
    }),
    value("port", &[], |options, value| {
        let port = value.parse().map_err(|_| "a number from 1 to 65535")?;
        options.place.port = Some(port);
        Ok(())
    }),
    value(
        "socket",
        &["unix_socket", "localSocket"],
        |options, value| {
            options.place.socket = Some(value.into());
            Ok(())
        },
    ),
    value("protocol", &[], |options, value| {
        options.place.protocol = Some(match value.to_ascii_lowercase().as_str() {
            "tcp" => Protocol::Tcp,
            "socket" => Protocol::Socket,
            _ => return Err("tcp or socket"),
        });
        Ok(())
    }),
    value("database", &["dbname", "schema"], |options, value| {
        options.settings.database = Some(value.to_owned());
        Ok(())
    }),
];

const HOW: &[Known] = &[
    value("connect_timeout", &[], |options, value| {
        options.settings.connect_timeout = timeout(value)?;
        Ok(())
    }),
    value("io_timeout", &[], |options, value| {
        options.settings.io_timeout = timeout(value)?;
        Ok(())
    }),
    value("call_timeout", &[], |options, value| {
        options.settings.call_timeout = timeout(value)?;
        Ok(())
    }),
    value("cancel_policy", &[], |options, value| {
        options.settings.cancel_policy = cancel_policy(value)?;
        Ok(())
    }),
    value("drain_bytes", &[], |options, value| {
        let limit = bytes(value)?;
        options.settings.drain_bytes = Some(u64::try_from(limit).unwrap_or(u64::MAX));
        Ok(())
    }),
    value("stop_timeout", &[], |options, value| {
        options.settings.stop_timeout = timeout(value)?.unwrap_or_default();
        Ok(())
    }),
    value("drain_timeout", &[], |options, value| {
        options.settings.drain_timeout = timeout(value)?.unwrap_or_default();
        Ok(())
    }),
    value("tcp_keepalive", &[], |options, value| {
        options.settings.tcp_keepalive = timeout(value)?;
        Ok(())
    }),
    value("host_order", &[], |options, value| {
        options.settings.hosts.order = host_order(value)?;
        Ok(())
    }),
    value("role", &["targetServerType"], |options, value| {
        options.settings.hosts.role = role(value)?;
        Ok(())
    }),
    value("host_cool_down", &[], |options, value| {
        options.settings.hosts.cool_down = timeout(value)?.unwrap_or_default();
        Ok(())
    }),
    switch("permit_redirect", &[], |options, on| {
        options.settings.hosts.permit_redirect = on;
    }),
    switch("tcp_nodelay", &[], |options, on| {
        options.settings.tcp_nodelay = on;
    }),
    value(
        "max_payload_bytes",
        &["max_allowed_packet"],
        |options, value| {
            options.settings.max_payload_bytes = bytes(value)?;
            Ok(())
        },
    ),
    switch(
        "compression",
        &["compress", "useCompression"],
        |options, on| {
            options.compression.on = Some(on);
        },
    ),
    value("compression_algorithm", &[], |options, value| {
        options.compression.zstd = Some(match value {
            "zlib" => false,
            "zstd" => true,
            _ => return Err("zlib or zstd"),
        });
        Ok(())
    }),
    value("compression_level", &[], |options, value| {
        let level = value.parse().ok().filter(|level| *level <= 22);
        options.compression.level = Some(level.ok_or("a number from 0 to 22")?);
        Ok(())
    }),
    value("compression_threshold", &[], |options, value| {
        options.compression.threshold = Some(bytes(value)?);
        Ok(())
    }),
];

const SESSION: &[Known] = &[
    value(
        "statement_cache_capacity",
        &["prepStmtCacheSize", "stmt_cache_size"],
        |options, value| {
            let capacity = value.parse().ok().filter(|capacity| *capacity <= 65_536);
            options.settings.statement_cache_capacity =
                capacity.ok_or("a number from 0 to 65536")?;
            Ok(())
        },
    ),
    switch(
        "server_prepared_statements",
        &["useServerPrepStmts"],
        |options, on| options.settings.server_prepared_statements = on,
    ),
    value("init_command", &["initSql"], |options, value| {
        options.settings.init_commands.push(value.to_owned());
        Ok(())
    }),
    switch("found_rows", &["client_found_rows"], |options, on| {
        options.settings.found_rows = on;
    }),
    switch("multi_statements", &["allowMultiQueries"], |options, on| {
        options.settings.multi_statements = on;
    }),
    switch("local_infile", &["allowLocalInfile"], |options, on| {
        options.settings.local_infile = on;
    }),
    value("program_name", &[], |options, value| {
        options.settings.set_attribute("program_name", value);
        Ok(())
    }),
    value(
        "charset",
        &["character_set", "characterEncoding"],
        |_, value| {
            let is_known = value.eq_ignore_ascii_case("utf8mb4");
            is_known
                .then_some(())
                .ok_or("utf8mb4, for no text is exchanged in another character set")
        },
    ),
    value("collation", &["connectionCollation"], |options, value| {
        options.settings.collation = Some(value.to_owned());
        Ok(())
    }),
    value("time_zone", &[], |options, value| {
        options.settings.time_zone = Some(value.to_owned());
        Ok(())
    }),
    value("zero_dates", &["zeroDateTimeBehavior"], |options, value| {
        options.settings.zero_dates = zero_dates(value)?;
        Ok(())
    }),
    value("max_statement_time", &[], |options, value| {
        options.settings.max_statement_time = Some(duration(value)?.unwrap_or_default());
        Ok(())
    }),
];

const TLS: &[Known] = &[
    value("ssl_mode", &["tls"], |options, value| {
        options.settings.tls.mode = Some(value.parse().map_err(|_| MODES)?);
        Ok(())
    }),
    switch("require_ssl", &[], |options, on| {
        options.requirements.require_ssl = Some(on);
    }),
    // `ssl=0` and `skip-ssl` of MariaDB's clients mean none at all.
    switch("ssl", &[], |options, on| {
        options.requirements.require_ssl = Some(on);
        options.requirements.disables = !on;
    }),
    switch("verify_ca", &["ssl_verify_server_cert"], |options, on| {
        options.requirements.verify_ca = Some(on);
    }),
    switch("verify_identity", &[], |options, on| {
        options.requirements.verify_identity = Some(on);
    }),
    value("ssl_ca", &["tls_ca"], |options, value| {
        options.settings.tls.ca = Some(value.into());
        Ok(())
    }),
    value("ssl_cert", &["tls_cert"], |options, value| {
        options.settings.tls.cert = Some(value.into());
        Ok(())
    }),
    value("ssl_key", &["tls_key"], |options, value| {
        options.settings.tls.key = Some(value.into());
        Ok(())
    }),
    value(
        "ssl_fingerprint",
        &["ssl_fp", "tls_fp", "tls_peer_fp"],
        |options, value| {
            let fingerprints: Result<_, _> = list(value).map(str::parse).collect();
            options.settings.tls.fingerprints = fingerprints.map_err(|_| FINGERPRINT)?;
            Ok(())
        },
    ),
    switch("ssl_resumption", &[], |options, on| {
        options.settings.tls.resumption = on;
    }),
    switch("disable_tls_resumption", &[], |options, on| {
        options.settings.tls.resumption = !on;
    }),
];

const AUTHENTICATION: &[Known] = &[
    switch(
        "clear_password",
        &["enable_cleartext_plugin", "allowCleartextPasswords"],
        |options, on| options.settings.authentication.clear_password = on,
    ),
    switch(
        "public_key_retrieval",
        &["allowPublicKeyRetrieval", "get_server_public_key"],
        |options, on| options.settings.authentication.public_key_retrieval = on,
    ),
    value(
        "server_public_key",
        &["serverRsaPublicKeyFile", "server_public_key_path"],
        |options, value| {
            options.settings.authentication.server_public_key = Some(value.into());
            Ok(())
        },
    ),
    switch(
        "expired_password",
        &["connect_expired_password"],
        |options, on| options.settings.authentication.expired_password = on,
    ),
    value("restrict_auth", &["restrictedAuth"], |options, value| {
        let names = list(value).map(str::to_owned).collect();
        options.settings.authentication.restrict_auth = Some(names);
        Ok(())
    }),
];
