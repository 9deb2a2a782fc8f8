//! Executions that take more than one command, and calls with several results, against a fake
//! server: what is sent, and what is left behind by futures dropped at every poll.

mod cursors;
mod long_data;
mod procedures;
mod server;

use std::num::NonZeroU32;

use otaria::{Connection, Error, LongData};
use tokio::io::AsyncRead;

/// What a task of a runtime with several threads may do.
async fn all(connection: &mut Connection, data: impl AsyncRead + Unpin) -> Result<(), Error> {
    let rows = connection.query_with_cursor("SELECT ?", (1,), NonZeroU32::MIN);
    rows.await?.finish().await?;
    let mut insert = connection.long_data("INSERT INTO t VALUES (?)").await?;
    insert.send(0, b"x").await?;
    insert.send_from(0, data).await?;
    insert.execute((LongData,)).await?;
    let mut select = connection.long_data("SELECT ?").await?;
    select.send(0, b"x").await?;
    let mut rows = select.query((LongData,)).await?;
    rows.next_chunk().await?;
    rows.out_parameters::<(i64, String)>().await?;
    Ok(())
}

#[tokio::test]
async fn the_futures_can_be_sent_to_another_thread() {
    const fn is_send<T: Send>(value: T) -> T {
        value
    }
    let server = server::Server::new(server::Manners::default());
    let layers = protocol_tests::script::Layers::None;
    let (mut connection, _) = server
        .connect(layers, protocol_tests::pipe::Cut::Whole)
        .await;
    let spawned = is_send(async move { all(&mut connection, b"y".as_slice()).await });
    tokio::spawn(spawned).await.unwrap().unwrap();
}
