//! Tests against a real MySQL server, a private one of the `mysqld` that `OTARIA_MYSQLD` names:
//!
//! ```sh
//! OTARIA_MYSQLD=$(ci/mysql-9) cargo test -p protocol-tests --features mysql --test mysql
//! ```

mod server;

/// All of them: there is no other server to run them on.
mod private_server {
    mod caching_sha2_password;
    mod change_user;
    mod cursors;
    mod errors;
    mod given_up;
    mod other_plugins;
    mod parameters;
    mod session;
    mod sha256_password;
    mod tls;
    mod zstd;
}
