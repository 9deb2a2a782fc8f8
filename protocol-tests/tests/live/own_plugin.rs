//! The worked example of a plugin of one's own, on a real server.

use std::sync::Arc;

use otaria::{Config, Connection, Error};
use protocol_tests::live;
use sha1::{Digest, Sha1};

#[path = "../../../crates/otaria/examples/own_auth_plugin/plugin.rs"]
mod plugin;

use plugin::NativePasswordOfHash;

#[tokio::test]
async fn a_plugin_of_ones_own_logs_in_by_the_hash_of_the_password() -> Result<(), Error> {
    let server = live::shared();
    let user = format!("otaria_own_plugin_{}", std::process::id());
    let create = format!("CREATE OR REPLACE USER {user} IDENTIFIED BY 'its password'");
    server.sql(&create).unwrap();
    let log_in = async |password: &str| {
        let plugin = NativePasswordOfHash {
            sha1_of_password: Sha1::digest(password).into(),
        };
        let config = Config::builder().host(server.host()).port(server.port());
        let config = config.user(&user).auth_plugin(Arc::new(plugin)).build()?;
        Connection::connect(&config).await
    };
    let (right, wrong) = (log_in("its password").await, log_in("another").await);
    server.sql(&format!("DROP USER {user}")).unwrap();
    right?.close().await?;
    assert!(matches!(wrong, Err(Error::Auth(_))), "{wrong:?}");
    Ok(())
}
