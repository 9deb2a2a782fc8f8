//! The futures of all public methods can be moved to other threads, whatever the parameters.

use otaria::{Connection, Error, FromRow, Row, Rows, Statement, ToSql};
use protocol_tests::script::Script;

use crate::{NEW, OLD, connected, statements};

fn is_send<T: Send>(future: T) {
    drop(future);
}

type Dynamic<'a> = &'a [&'a (dyn ToSql + Sync)];
type Boxed = Vec<Box<dyn ToSql + Send + Sync>>;

fn of_connection(connection: &mut Connection, statement: &Statement) {
    let (id, name) = (7, String::from("Ada"));
    let dynamic: Dynamic<'_> = &[&id, &name, &None::<&str>];
    let boxed: Boxed = vec![Box::new(id), Box::new(name.clone())];
    is_send(connection.query(OLD, dynamic));
    is_send(connection.query(statement, dynamic));
    is_send(connection.query(&name, &boxed));
    is_send(connection.query(OLD, (id, &name, b"x".as_slice(), None::<f64>)));
    is_send(connection.execute(OLD, dynamic));
    is_send(connection.execute(statement, &boxed));
    is_send(connection.execute(OLD, ()));
    is_send(connection.prepare(OLD));
    is_send(connection.query_one::<(i64, String)>(OLD, dynamic));
    is_send(connection.query_one::<(i64, String)>(statement, boxed));
    is_send(connection.query_opt::<(Option<i64>,)>(OLD, dynamic));
    is_send(connection.query_opt::<(Vec<u8>,)>(statement, [1, 2]));
    is_send(connection.query_all::<(i64, String)>(OLD, dynamic));
    is_send(connection.query_all::<(String,)>(statement, vec![1, 2]));
    is_send(connection.simple_query(OLD));
    is_send(connection.simple_execute(OLD));
    is_send(connection.ping());
    is_send(connection.reset());
    is_send(connection.init_db("shop"));
    is_send(connection.warnings());
    is_send(connection.change_user("u", "p", None));
    is_send(connection.load_data_local(OLD, b"1\n".as_slice()));
}

fn of_rows(rows: fn() -> Rows<'static>) {
    fn read<T: for<'r> FromRow<'r> + Send>(rows: fn() -> Rows<'static>) {
        is_send(rows().collect::<T>());
    }
    let mut lent = rows();
    is_send(lent.next());
    is_send(lent.next_chunk());
    is_send(lent.next_result_set());
    is_send(rows().finish());
    read::<(i64, Option<String>)>(rows);
    is_send(rows().for_each(|row: Row<'_>| row.get::<i64>(0).map(drop)));
    is_send(rows().for_each(|_| Err::<(), Error>(Error::ForeignStatement)));
}

#[tokio::test]
async fn the_future_of_every_public_method_is_send() {
    // Those of rows are only made, not called: there is no connection that lives for ever.
    let _: fn(fn() -> Rows<'static>) = of_rows;
    let (mut connection, handle) = connected(&statements()).await;
    let statement = connection.prepare(OLD).await.unwrap();
    let before = handle.writes();
    of_connection(&mut connection, &statement);
    // A future that was not polled has done nothing.
    assert_eq!(handle.writes(), before);
    is_send(connection.close());
    let pipe = protocol_tests::pipe::Pipe::new(Script::new(), protocol_tests::pipe::Cut::Whole);
    let config = otaria::Config::builder().build().unwrap();
    is_send(Connection::connect(&config));
    is_send(Connection::connect_over(pipe, &config));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_run_in_spawned_tasks_with_parameters_known_at_run_time() {
    let (mut connection, _) = connected(&statements()).await;
    let statement = connection.prepare(OLD).await.unwrap();
    let spawned = tokio::spawn(async move {
        let boxed: Boxed = vec![Box::new(7)];
        let mut rows = connection.query(&statement, &boxed).await?;
        let mut values = Vec::new();
        while let Some(chunk) = rows.next_chunk().await? {
            for row in chunk {
                values.push(row.get::<String>(0)?);
            }
        }
        let id = 7_i32;
        let dynamic: Dynamic<'_> = &[&id];
        let (value,): (String,) = connection.query_one(NEW, dynamic).await?;
        values.push(value);
        Ok::<_, Error>(values)
    });
    let values = spawned.await.unwrap().unwrap();
    assert_eq!(values, ["old 1", "old 2", "old 3", "new"]);
}
