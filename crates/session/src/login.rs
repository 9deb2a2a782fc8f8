//! What a configuration means for the login.

use otaria_auth::{Channel, LoginConfig, TlsRequest};
use otaria_codec::Capabilities;

use crate::{Config, SslMode};

/// The login that `config` asks for.
pub(crate) fn config(config: &Config, channel: Channel) -> LoginConfig {
    let mut login = LoginConfig::new(config.user(), config.password().clone());
    login.database = config.database().map(str::to_owned);
    login.plugins = config.auth_plugins();
    login.attributes = config.attributes().to_vec();
    let wanted = &mut login.capabilities;
    *wanted = WANTED;
    wanted.set(Capabilities::FOUND_ROWS, config.found_rows());
    wanted.set(Capabilities::MULTI_STATEMENTS, config.multi_statements());
    wanted.set(
        Capabilities::CAN_HANDLE_EXPIRED_PASSWORDS,
        config.expired_password(),
    );
    wanted.set(Capabilities::LOCAL_FILES, config.local_infile());
    wanted.set(
        Capabilities::MARIADB_CLIENT_PROGRESS,
        config.on_progress().is_some(),
    );
    #[cfg(feature = "compression")]
    if let Some(compression) = config.compression() {
        *wanted |= compression.algorithm.capability();
        let level = compression.level.clamp(1, MAX_ZSTD_LEVEL);
        login.zstd_level = u8::try_from(level).unwrap_or(u8::MAX);
    }
    // Nobody stands between the ends of a Unix socket.
    let may_encrypt = cfg!(feature = "tls") && channel != Channel::UnixSocket;
    login.tls = match config.ssl_mode() {
        SslMode::Prefer if may_encrypt => TlsRequest::IfOffered,
        SslMode::Disable | SslMode::Prefer => TlsRequest::Never,
        SslMode::Trust | SslMode::VerifyCa | SslMode::VerifyFull => TlsRequest::Required,
    };
    login
}

/// Servers refuse others in a login.
#[cfg(feature = "compression")]
const MAX_ZSTD_LEVEL: u32 = 22;

/// What is asked of every server. What it does not offer is done without.
const WANTED: Capabilities = Capabilities::LONG_FLAG
    .union(Capabilities::TRANSACTIONS)
    .union(Capabilities::MULTI_RESULTS)
    .union(Capabilities::PS_MULTI_RESULTS)
    .union(Capabilities::SESSION_TRACK)
    .union(Capabilities::DEPRECATE_EOF)
    .union(Capabilities::MARIADB_CLIENT_STMT_BULK_OPERATIONS)
    .union(Capabilities::MARIADB_CLIENT_EXTENDED_METADATA)
    .union(Capabilities::MARIADB_CLIENT_CACHE_METADATA)
    .union(Capabilities::MARIADB_CLIENT_BULK_UNIT_RESULTS);
