//! `COM_CHANGE_USER` on a real server.

use otaria::{Compression, Config, Connection, Error};
use protocol_tests::live::{self, Schema};

/// An account of one test's own, gone with it.
struct User(String);

impl User {
    fn new(name: &str, schema: &Schema<'_>) -> Self {
        let name = format!("otaria_{name}_{}", std::process::id());
        let sql = format!(
            "CREATE OR REPLACE USER {name} IDENTIFIED BY 'of {name}'; \
             GRANT ALL ON {}.* TO {name}",
            schema.name()
        );
        live::shared().sql(&sql).unwrap();
        Self(name)
    }

    fn password(&self) -> String {
        format!("of {}", self.0)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = live::shared().sql(&format!("DROP USER {}", self.0));
    }
}

/// The value of an expression, NULL as an empty text.
async fn text(connection: &mut Connection, expression: &str) -> String {
    let sql = format!("SELECT CAST(({expression}) AS CHAR)");
    let rows = connection.simple_query(&sql).await.unwrap();
    let rows: Vec<(Option<String>,)> = rows.collect().await.unwrap();
    rows[0].0.clone().unwrap_or_default()
}

async fn current_user(connection: &mut Connection) -> String {
    let user = text(connection, "CURRENT_USER()").await;
    user.split('@').next().unwrap_or_default().to_owned()
}

fn config(schema: &Schema<'_>, compressed: bool) -> Config {
    let config: Config = schema.url().parse().unwrap();
    let builder = config.to_builder().init_command("SET @init = 'done'");
    let compression = compressed.then(Compression::default);
    builder.compression(compression).build().unwrap()
}

#[tokio::test]
async fn the_user_changes_and_the_session_begins_anew() {
    let schema = live::shared().schema("change_user").unwrap();
    let user = User::new("change", &schema);
    for compressed in [false, true] {
        let config = config(&schema, compressed);
        let mut connection = Connection::connect(&config).await.unwrap();
        let id = text(&mut connection, "CONNECTION_ID()").await;
        connection
            .simple_execute("CREATE TEMPORARY TABLE gone (a INT)")
            .await
            .unwrap();
        connection
            .simple_execute("SET @a = 1, autocommit = 0")
            .await
            .unwrap();
        connection
            .simple_execute("SELECT * FROM gone")
            .await
            .unwrap();

        connection
            .change_user(&user.0, user.password(), Some(schema.name()))
            .await
            .unwrap();
        assert_eq!(current_user(&mut connection).await, user.0);
        assert_eq!(text(&mut connection, "CONNECTION_ID()").await, id);
        assert_eq!(text(&mut connection, "DATABASE()").await, schema.name());
        assert_eq!(connection.session_state().schema(), Some(schema.name()));
        assert_eq!(text(&mut connection, "@a").await, "");
        assert_eq!(text(&mut connection, "@init").await, "done");
        assert_eq!(
            text(&mut connection, "@@character_set_client").await,
            "utf8mb4"
        );
        assert!(connection.status().is_autocommit());
        let error = connection
            .simple_execute("SELECT * FROM gone")
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Server(error) if error.code() == 1146));

        let root = config.user().to_owned();
        let password = live::shared().password();
        connection.change_user(&root, password, None).await.unwrap();
        assert_eq!(current_user(&mut connection).await, root);
        assert_eq!(text(&mut connection, "DATABASE()").await, "");
        assert_eq!(connection.session_state().schema(), None);
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_change_leaves_user_and_database_and_begins_the_session_anew() {
    let schema = live::shared().schema("refused_user").unwrap();
    let user = User::new("refused", &schema);
    let mut connection = Connection::connect(&config(&schema, true)).await.unwrap();
    let before = current_user(&mut connection).await;
    for sql in [
        "CREATE TABLE t (a INT) ENGINE=InnoDB",
        "CREATE TEMPORARY TABLE gone (a INT)",
        "SET @a = 1, @init = 'old', autocommit = 0",
        "BEGIN",
        "INSERT INTO t VALUES (1)",
    ] {
        connection.simple_execute(sql).await.unwrap();
    }
    assert!(connection.status().is_in_transaction());
    let error = connection
        .change_user(&user.0, "not it", Some(schema.name()))
        .await;
    assert!(matches!(error, Err(Error::Server(error)) if error.code() == 1045));
    assert!(!connection.status().is_in_transaction());
    assert_eq!(current_user(&mut connection).await, before);
    assert_eq!(text(&mut connection, "DATABASE()").await, schema.name());
    assert_eq!(text(&mut connection, "SELECT COUNT(*) FROM t").await, "0");
    assert_eq!(text(&mut connection, "@a").await, "");
    assert!(connection.status().is_autocommit());
    assert_eq!(text(&mut connection, "@init").await, "done");
    assert_eq!(
        text(&mut connection, "@@character_set_client").await,
        "utf8mb4"
    );
    let error = connection
        .simple_execute("SELECT * FROM gone")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1146));

    let error = connection
        .change_user(&user.0, user.password(), Some("no_such_schema"))
        .await;
    assert!(matches!(error, Err(Error::Server(error)) if [1044, 1049].contains(&error.code())));
    assert_eq!(current_user(&mut connection).await, before);
    assert_eq!(text(&mut connection, "DATABASE()").await, schema.name());

    connection
        .change_user(&user.0, user.password(), None)
        .await
        .unwrap();
    assert_eq!(current_user(&mut connection).await, user.0);
}
