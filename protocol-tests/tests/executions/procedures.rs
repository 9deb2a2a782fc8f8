use otaria::{Connection, Error};
use protocol_tests::pipe::Cut;
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::script::Layers;

use crate::server::{CALL, Manners, NEW, Server};

async fn call(connection: &mut Connection) -> Result<Option<(i64,)>, Error> {
    let called = connection.query(CALL, (None::<i64>, 1)).await?;
    called.out_parameters().await
}

#[tokio::test]
async fn out_parameters_are_those_that_the_server_says_are() {
    for deprecates_eof in [true, false] {
        let manners = Manners {
            deprecates_eof,
            ..Manners::default()
        };
        let server = Server::new(manners);
        let (mut connection, _) = server.connect(Layers::None, Cut::Every(3)).await;
        // A result of one row before them is not taken for them.
        assert_eq!(call(&mut connection).await.unwrap(), Some((7,)));
        let mut called = connection.query(CALL, (None::<i64>, 1)).await.unwrap();
        let mut found = Vec::new();
        loop {
            let mut rows = Vec::new();
            while let Some(row) = called.next().await.unwrap() {
                rows.push(row.get::<i64>(0).unwrap());
            }
            found.push((rows, called.is_out_parameters()));
            if !called.next_result_set().await.unwrap() {
                break;
            }
        }
        let expected = [
            (vec![1, 2], false),
            (vec![3], false),
            (vec![7], true),
            (vec![], false),
        ];
        assert_eq!(found, expected);
        let rows = connection.query(NEW, ()).await.unwrap();
        assert_eq!(rows.out_parameters::<(i64,)>().await.unwrap(), None);
    }
}

#[tokio::test]
async fn cancel_at_every_await_point_and_after_every_received_byte_out_parameters() {
    for layers in Layers::ALL {
        at_every_poll(async |polls| {
            let server = Server::new(Manners::default());
            let (mut connection, _) = server.connect(layers, Cut::Every(7)).await;
            let called = poll_times(call(&mut connection), polls).await;
            let row: (i64,) = connection.query_one(NEW, ()).await.unwrap();
            assert_eq!(row, (42,));
            assert!(connection.is_idle());
            called.is_some_and(|called| called.unwrap() == Some((7,)))
        })
        .await;
    }
}
