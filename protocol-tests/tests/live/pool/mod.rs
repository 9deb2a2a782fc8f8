//! The pool, on a real server.

mod clean_up;
mod ends;

use otaria::{Config, Connection, Error, FromSql, Pool, PoolBuilder};
use protocol_tests::live;

/// A pool of one connection with this default database: whoever comes gets the one that was used
/// before.
fn pool_of_one(database: &str) -> PoolBuilder {
    let config: Config = live::shared().url(database).parse().expect("the URL");
    Pool::builder(config).max_size(1)
}

/// The one value of the one row.
async fn value<T: for<'v> FromSql<'v>>(connection: &mut Connection, sql: &str) -> Result<T, Error> {
    let (value,) = connection.query_one::<(T,)>(sql, ()).await?;
    Ok(value)
}
