//! A client's side of an authentication plugin of one's own.
//!
//! ```sh
//! cargo run -p otaria --example own_auth_plugin -- mariadb://user@host/ HEXADECIMAL
//! ```
//!
//! Servers store the double SHA-1 of a `mysql_native_password`, and a client needs the single one:
//! a service may keep that in place of the password. The plugin here logs in by it; what runs
//! elsewhere, such as a signature by a hardware token, has the same form.

mod plugin;

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use otaria::{Config, Connection};

use plugin::NativePasswordOfHash;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(hash)) = (arguments.next(), arguments.next()) else {
        return Err("give a URL without a password and the SHA-1 of the password in hex".into());
    };
    let plugin = NativePasswordOfHash {
        sha1_of_password: from_hexadecimal(&hash)?,
    };
    let config: Config = url.parse()?;
    let config = config.to_builder().auth_plugin(Arc::new(plugin)).build()?;
    let mut connection = Connection::connect(&config).await?;
    let rows = connection.simple_query("SELECT CURRENT_USER()").await?;
    let users: Vec<(String,)> = rows.collect().await?;
    for (user,) in users {
        writeln!(std::io::stdout(), "logged in as {user}")?;
    }
    connection.close().await?;
    Ok(())
}

fn from_hexadecimal(text: &str) -> Result<[u8; 20], Box<dyn Error>> {
    let bytes: Result<Vec<_>, _> = (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2).unwrap_or_default(), 16))
        .collect();
    let bytes: [u8; 20] = bytes?.try_into().map_err(|_| "a SHA-1 has 40 digits")?;
    Ok(bytes)
}
