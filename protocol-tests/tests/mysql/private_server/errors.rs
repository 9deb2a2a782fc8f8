//! The kinds of MySQL's errors, and the role of its server.

use otaria::{Connection, Error, ErrorKind, Role};

use crate::server::{connect, server};

async fn root() -> Connection {
    connect(server().unix().user("root")).await.unwrap()
}

#[tokio::test]
async fn errors_have_the_same_kinds_as_those_of_mariadb() {
    let (mut one, mut other) = (root().await, root().await);
    for sql in [
        "CREATE DATABASE IF NOT EXISTS kinds",
        "DROP TABLE IF EXISTS kinds.child, kinds.parent",
        "CREATE TABLE kinds.parent (id INT PRIMARY KEY, name VARCHAR(9) NOT NULL, CHECK (id < 100))",
        "CREATE TABLE kinds.child (id INT, FOREIGN KEY (id) REFERENCES kinds.parent (id))",
        "INSERT INTO kinds.parent VALUES (1, 'a')",
        "INSERT INTO kinds.child VALUES (1)",
    ] {
        one.simple_execute(sql).await.unwrap();
    }
    for (sql, kind) in [
        (
            "INSERT INTO kinds.parent VALUES (1, 'b')",
            ErrorKind::UniqueViolation,
        ),
        (
            "UPDATE kinds.parent SET name = NULL",
            ErrorKind::NotNullViolation,
        ),
        (
            "INSERT INTO kinds.parent (id) VALUES (2)",
            ErrorKind::NotNullViolation,
        ),
        (
            "INSERT INTO kinds.parent VALUES (100, 'b')",
            ErrorKind::CheckViolation,
        ),
        (
            "INSERT INTO kinds.child VALUES (2)",
            ErrorKind::ForeignKeyViolation,
        ),
        ("DELETE FROM kinds.parent", ErrorKind::ForeignKeyViolation),
        ("DROP TABLE kinds.parent", ErrorKind::ForeignKeyViolation),
        (
            "SELECT /*+ MAX_EXECUTION_TIME(1) */ COUNT(*) FROM information_schema.collations a, information_schema.collations b, information_schema.collations c, information_schema.collations d",
            ErrorKind::Timeout,
        ),
    ] {
        let error = one.simple_execute(sql).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{sql}: {error}");
    }
    one.simple_execute("BEGIN").await.unwrap();
    one.simple_execute("UPDATE kinds.parent SET name = 'c'")
        .await
        .unwrap();
    let locked = "SELECT * FROM kinds.parent FOR UPDATE NOWAIT";
    let error = other.simple_execute(locked).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockTimeout, "{error}");
    assert!(error.is_safe_to_retry() && error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_server_without_read_only_is_a_writer() {
    let writer = server().unix().user("root").role(Role::Writer);
    connect(writer).await.unwrap();
    let reader = connect(server().unix().user("root").role(Role::Reader)).await;
    let error = reader.unwrap_err();
    assert!(
        matches!(
            error,
            Error::WrongRole {
                found: Role::Writer,
                ..
            }
        ),
        "{error}"
    );
}
